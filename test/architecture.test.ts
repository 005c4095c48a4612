// The import table: arrows point inward to delivery/, adapters never meet, every file says its job first and stays short.
import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import { importsOf, sourceFiles, textOf } from './house/imports.ts';

const files = sourceFiles();

/**
 * What the page's bundle takes from beyond its room: functions and tables that need nothing of
 * Node.
 */
const SHOWN = ['admin-client/causes.ts', 'admin-client/explain.ts'];

/**
 * What each folder may import besides itself: folders, or single files. `*` = any folder: the
 * places that join the others.
 */
const MAY_IMPORT: Record<string, readonly string[]> = {
  delivery: [],
  // The clocks and waits of the process: adapters may look at them, the core is told the time.
  time: ['delivery'],
  decode: ['delivery'],
  // Steps on node:diagnostics_channel, told by the rooms that decide them.
  channels: ['delivery'],
  // The public port: handshakes and plain HTTP. What an upgrade becomes is the relay's.
  front: ['delivery', 'time', 'relay', 'channels'],
  relay: ['delivery', 'time'],
  store: ['delivery'],
  journal: ['delivery', 'time'],
  telemetry: ['delivery', 'time'],
  admin: ['delivery', 'time'],
  // What runs in a browser: of the sidecar it knows the words and the shapes of the API, as types
  // only, and what causes mean.
  page: ['delivery/words.ts', 'admin/shapes.ts', 'admin/stats-shapes.ts', ...SHOWN],
  config: ['delivery'],
  identity: ['delivery', 'time'],
  client: [],
  resume: ['delivery', 'time'],
  hooks: ['delivery', 'time'],
  // The library: the core with its store, the pure reader of messages, and the two pure tables of
  // the sidecar's telemetry.
  embed: ['delivery', 'store', 'time', 'decode', 'telemetry/names/names.ts', 'telemetry/metrics/latency.ts'],
  // One client's connection: joins the path of its events. It knows neither telemetry nor the
  // process around it.
  connection: ['delivery', 'time', 'decode', 'relay', 'resume', 'channels'],
  // Readers of the admin API, outside the sidecar: its shapes, and the vocabulary.
  'admin-client': [
    'delivery',
    'admin/shapes.ts',
    'admin/stats-shapes.ts',
    'admin/unmatched-shapes.ts',
    'admin/dead-letter-shapes.ts',
    'telemetry/metrics/stats.ts',
  ],
  // Answers assistants from the admin API.
  mcp: ['admin-client', 'delivery', 'admin/shapes.ts', 'admin/stats-shapes.ts', 'version.ts'],
  // The process: builds, starts and stops every part.
  sidecar: ['*'],
  // The operator's log: one line a fault, without credentials.
  log: ['delivery', 'config'],
  demo: ['*'],
  cli: ['*'],
  '.': ['*'],
};
/** The only files outside a room: the library's door and the version of the build. */
const LOOSE = ['index.ts', 'version.ts'];
/** Lines that a file may have. */
const LINES = 300;
/** What other rooms may import of a room that has doors; the rest of it is its own. */
const DOORS: Record<string, readonly string[]> = {
  relay: ['relay/reading.ts', 'relay/splice-handle.ts', 'relay/spliced-sockets.ts', 'relay/tap.ts'],
};
const SDK = /^@opentelemetry\/(?!api$)/;

const folder = (file: string) => (dirname(file) === '.' ? '.' : file.split('/')[0]!);

describe('architecture', () => {
  test('there are sources to check', () => expect(files.length).toBeGreaterThan(10));

  test.each(files)('%s keeps to the import table', (file) => {
    const home = folder(file);
    const allowed = MAY_IMPORT[home];
    expect(allowed, `folder ${home} is not in the table`).toBeDefined();
    for (const { written: target, to: path } of importsOf(file)) {
      if (path !== undefined) {
        const to = folder(path);
        const fine = to === home || allowed!.includes('*') || allowed!.includes(to) || allowed!.includes(path);
        expect(fine, `${file} imports ${target}`).toBe(true);
        const through = to === home || DOORS[to] === undefined || DOORS[to].includes(path);
        expect(through, `${file} imports ${target}: not a door of ${to}`).toBe(true);
      } else {
        if (home === 'delivery' || home === 'client') expect.fail(`${file} imports ${target}: ${home} imports nothing`);
        if (SDK.test(target)) expect(home, `${file} imports ${target}`).toBe('telemetry');
      }
    }
  });

  test.each(files.filter((file) => folder(file) === 'page'))(
    '%s takes types from beyond its room, and what the bundle may hold',
    (file) => {
      const text = textOf(file);
      for (const [line, , path] of text.matchAll(/^import (.*)from '\.\.\/(.*)'.*$/gm))
        if (!SHOWN.includes(path!)) expect(line).toMatch(/^import type /);
    },
  );

  test.each(files)('%s says its room and its job in the first line and stays under 300 lines', (file) => {
    const text = textOf(file);
    // A room's name stands in front of the job of each of its files.
    const room = folder(file) === '.' ? '' : folder(file);
    expect(text).toMatch(new RegExp(`^(#!.*\\n)?// ${room === '' ? '\\S' : `${room}: `}`));
    expect(text.split('\n').length).toBeLessThanOrEqual(LINES + 1);
  });

  test('what is private to a class is private by the language (`#name`)', () => {
    const keyword = /^\s*private (?:readonly |static |async |override )*[\w#$]+\s*[(<:=?!;]/m;
    expect(keyword.test('class A {\n  private readonly a = 1;\n}')).toBe(true);
    expect(files.filter((file) => keyword.test(textOf(file)))).toEqual([]);
  });

  test('no loose files beside the rooms', () => {
    expect(files.filter((file) => folder(file) === '.')).toEqual(LOOSE);
  });

  test('no drawers for odds and ends', () => {
    expect(files.filter((file) => /(^|\/)(utils?|helpers?|common|lib|types)(\.ts|\/)/.test(file))).toEqual([]);
  });
});
