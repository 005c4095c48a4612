// House: the import table of src/, read from the files as they are.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

/** The command and the tests run in the root. */
export const SRC = resolve('src');

/** `type`: gone when compiled. `lazy`: loaded when it is first needed. */
export type Kind = 'value' | 'type' | 'lazy';

/** One import or re-export of a file. */
export interface Import {
  /** Path in src/. */
  readonly from: string;
  /** As it is written: `./x.ts`, `node:fs`, `ws`. */
  readonly written: string;
  /** Path in src/; undefined for what is not ours. */
  readonly to: string | undefined;
  readonly kind: Kind;
}

const IMPORT =
  /^\s*(?:import|export)(\s+type)?\s[^'";]*?from\s+'([^']+)'|^\s*import\s+'([^']+)'|\bimport\('([^']+)'\)/gm;

/** Every source, without declarations, by its path in src/. */
export function sourceFiles(): string[] {
  return readdirSync(SRC, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts'))
    .sort();
}

export const textOf = (file: string): string => readFileSync(join(SRC, file), 'utf8');

export function importsOf(file: string): Import[] {
  return [...textOf(file).matchAll(IMPORT)].map(([, type, from, bare, lazy]) => {
    const written = (from ?? bare ?? lazy)!;
    const kind = lazy !== undefined ? 'lazy' : type !== undefined ? 'type' : 'value';
    const to = written.startsWith('.') ? relative(SRC, resolve(SRC, dirname(file), written)) : undefined;
    return { from: file, written, to, kind };
  });
}

/**
 * The room of a file: its folder, and below `telemetry/` the folder in there; `''` for the files
 * beside the rooms.
 */
export function roomOf(file: string): string {
  const [first, second, third] = file.split('/');
  if (second === undefined) return '';
  return first === 'telemetry' && third !== undefined ? `${first}/${second}` : first!;
}
