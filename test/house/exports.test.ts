// House: what a file of src/ exports by value is imported by another file; the rest is its own.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { SRC, sourceFiles, textOf } from './imports.ts';

/** Doors of the package: programs that install it import them. */
const DOORS = ['index.ts', 'client/socket.ts'];
/** Values that only their own file uses, exported all the same: the list can only shrink. */
const LEFT = [
  'journal/redis/fields.ts readOpen',
  'journal/redis/scripts.ts WRITTEN',
  'telemetry/agents/order-watch.ts ORDER_KINDS',
  'telemetry/spans/delivery-attributes.ts isSmooth',
];
/** Values that code in a string imports. */
const QUOTED = ['cli/code-cache.ts openBundle', 'cli/heap-flags.ts settleHeapFlags'];
/** Folders with programs that import from src/. */
const READERS = ['src', 'test', 'bench', 'dashboards', 'scripts', 'docs', 'examples', 'deploy'];

const EXPORT = /^export (?:async )?(?:const|let|function\*?|(?:abstract )?class) (\w+)/gm;
const NAMED = /^(?:import|export)\s(?:type\s)?[^'";]*?\{([^}]*)\}\s+from\s+'(\.[^']+)'/gm;
/** Imports that may use any value of the file. */
const WHOLE = /^(?:import|export)\s[^'";{]*\*[^'";{]*from\s+'(\.[^']+)'|\bimport\('(\.[^']+)'\)/gm;

/** `file name` of each value that a text imports, and `file *` where it imports a whole file. */
function importedBy(path: string, text: string): string[] {
  const target = (written: string) => relative(SRC, resolve(dirname(path), written.replace(/\.js$/, '.ts')));
  const named = [...text.matchAll(NAMED)].flatMap(([, names, from]) =>
    names!.split(',').map(
      (name) =>
        `${target(from!)} ${
          name
            .trim()
            .replace(/^type /, '')
            .split(' as ', 1)[0]
        }`,
    ),
  );
  return [...named, ...[...text.matchAll(WHOLE)].map(([, from, lazy]) => `${target((from ?? lazy)!)} *`)];
}

it('imports are read: of one name, of several, under another name, of a whole file, on demand', () => {
  const text = [
    "import { a } from './x.ts';",
    "import b, { type C, d as e } from '../y/z.js';",
    "import {\n  f,\n  g,\n} from './x.ts';",
    "export { h } from './w.ts';",
    "import * as all from './v.ts';",
    "const { i } = await import('./u.ts');",
  ].join('\n');
  expect(importedBy('src/r/me.ts', text)).toEqual([
    ...['r/x.ts a', 'y/z.ts C', 'y/z.ts d', 'r/x.ts f', 'r/x.ts g', 'r/x.ts ', 'r/w.ts h', 'r/v.ts *', 'r/u.ts *'],
  ]);
});

it('a value that only its own file uses is not exported', () => {
  const readers = READERS.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:tsx?|mjs)$/.test(name) && !name.includes('node_modules'))
      .map((name) => join(folder, name)),
  );
  const used = new Set(readers.flatMap((path) => importedBy(path, readFileSync(path, 'utf8'))));
  const own = sourceFiles()
    .filter((file) => !DOORS.includes(file) && !used.has(`${file} *`))
    .flatMap((file) => [...textOf(file).matchAll(EXPORT)].map(([, name]) => `${file} ${name}`))
    .filter((value) => !used.has(value) && !QUOTED.includes(value));
  expect(own).toEqual(LEFT);
});
