// Docs: what a page names exists: files, functions, scripts, commands with their options, and links.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { roomOf, sourceFiles } from '../house/imports.ts';
import { at, type Code, codeOf, linksOf, readPages } from './pages.ts';

const pages = readPages();
const codes = pages.flatMap(codeOf);
const inLine = codes.filter(({ fence }) => fence === undefined);

/** What is wrong, with its place: an empty list is what every test here expects. */
const wrong = (found: readonly Code[], fault: (code: Code) => readonly string[]): string[] =>
  found.flatMap((code) => fault(code).map((text) => `${at(code)}: ${text}`));

describe('a path in a page', () => {
  const roots = readdirSync('.').filter((name) => !name.startsWith('.') && statSync(name).isDirectory());
  const isPath = new RegExp(`^(?:${roots.join('|')})/[\\w./*-]*$`);
  const made = /^(?:dist|node_modules|coverage)\//;

  function exists(path: string): boolean {
    if (!path.includes('*')) return existsSync(path);
    const pattern = new RegExp(`^${basename(path).replaceAll('.', '\\.').replace(/\*+/g, '.*')}$`);
    return existsSync(dirname(path)) && readdirSync(dirname(path)).some((entry) => pattern.test(entry));
  }

  it('leads to a file, from the root or from the page', () => {
    const paths = inLine.filter(({ text }) => isPath.test(text) && !made.test(text));
    expect(paths.length).toBeGreaterThan(60);
    const missing = ({ text, page }: Code) => (exists(text) || exists(join(dirname(page.path), text)) ? [] : [text]);
    expect(wrong(paths, missing)).toEqual([]);
  });

  it('is a file of ours where only its end is given: `relay/splice.ts`, `ends.ts`', () => {
    const names = inLine.filter(({ text }) => /^(?:[\w-]+\/)*[\w-]+\.ts$/.test(text));
    expect(names.length).toBeGreaterThan(20);
    const folders = ['src', 'test', 'bench', 'dashboards'];
    const all = folders.flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => `/${folder}/${name}`),
    );
    expect(wrong(names, ({ text }) => (all.some((file) => file.endsWith(`/${text}`)) ? [] : [text]))).toEqual([]);
  });

  it('and in a picture of ARCHITECTURE.md: `relay/outbound`, with what it calls there', () => {
    const rooms = new Set(sourceFiles().map(roomOf));
    const pictures = codes.filter(({ page, fence }) => page.path === 'ARCHITECTURE.md' && fence !== undefined);
    const named = pictures.flatMap(({ text }) => [
      ...text.matchAll(/(?<![\w/.-])([a-z]+)\/([a-z][\w-]*)(?:\.ts)?(?:: ([a-z]\w+)(?=[ ─(,]|$))?/gm),
    ]);
    const inRooms = named.filter(([, room]) => rooms.has(room!));
    expect(inRooms.filter(([, , , call]) => call !== undefined).length).toBeGreaterThan(3);
    const faults = inRooms.filter(([, room, name, call]) => {
      const path = `src/${room}/${name}`;
      if (!existsSync(`${path}.ts`)) return !existsSync(path);
      return call !== undefined && !new RegExp(`\\b${call}\\b`).test(readFileSync(`${path}.ts`, 'utf8'));
    });
    expect(faults.map(([all]) => all)).toEqual([]);
  });
});

describe('a name of code in a page', () => {
  const code = ['src', 'test', 'bench', 'dashboards', 'deploy', 'examples']
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`))
    .filter((name) => /\.(ts|mjs|js|py|html|yaml)$/.test(name) && !/^test\/docs\//.test(name));
  const words = new Set(code.flatMap((file) => readFileSync(file, 'utf8').match(/[A-Za-z_$][\w$]*/g) ?? []));
  /** A camel-cased word, perhaps of something, perhaps called. */
  const isName = /^(?:[A-Za-z]\w*\.)*[A-Za-z]\w*(?:\(\))?$/;
  const isCamel = /^[a-z]+(?:[A-Z][a-z0-9]*)+$|^(?:[A-Z][a-z0-9]+){2,}$/;

  it('is a name in the code', () => {
    const named = inLine.filter(
      ({ text }) => isName.test(text) && (text.endsWith('()') || text.split('.').some((part) => isCamel.test(part))),
    );
    expect(named.length).toBeGreaterThan(40);
    const missing = ({ text }: Code) =>
      text
        .replace('()', '')
        .split('.')
        .filter((part) => (isCamel.test(part) || text.endsWith(`${part}()`)) && !words.has(part));
    expect(wrong(named, missing)).toEqual([]);
  });
});

it('a script that a page runs is one of package.json', () => {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: Record<string, string> };
  const runs = (code: Code) =>
    [...code.text.matchAll(/\bnpm (?:run (?:--silent )?)?([\w:-]+)/g)].map(([all, name]) => [all!, name!] as const);
  const NPM = new Set(['ci', 'install', 'i', 'test', 'pack', 'publish', 'audit', 'exec', 'start']);
  expect(codes.flatMap(runs).length).toBeGreaterThan(20);
  expect(
    wrong(codes, (code) =>
      runs(code)
        .filter(([all, name]) => (all.includes('run') ? !(name in scripts) : !NPM.has(name)))
        .map(([all]) => all),
    ),
  ).toEqual([]);
});

it('a command of `ackspan` exists, and so do its options', async () => {
  const options = new Map<string, Set<string>>();
  for (const { name, load } of COMMANDS) {
    const command = new Command(name);
    (await load())(command);
    options.set(
      name,
      new Set([
        '--help',
        '--config',
        ...command.options.flatMap(({ long, short }) => [long, short].filter((flag) => flag != null)),
      ]),
    );
  }
  const calls = codes.flatMap((code) =>
    code.text.split('\n').flatMap((line) =>
      [...line.matchAll(/(?:^|[\s|(])(?:ackspan|dist\/cli\/main\.js|npm run demo --)\s+([^|;&)#]*)/g)].map(
        ([all, rest]) => ({
          code,
          all: all!.trim(),
          words: (all!.includes('npm run demo') ? `demo ${rest}` : rest!).trim().split(/\s+/),
        }),
      ),
    ),
  );
  const known = calls.filter(({ words: [first = ''] }) => /^[a-z]+$/.test(first));
  expect(known.length).toBeGreaterThan(5);
  const faults = known.flatMap(({ code, all, words: [name = '', ...rest] }) => {
    const flags = options.get(name);
    if (flags === undefined) return [`${at(code)}: ${all}`];
    return rest
      .filter((word) => word.startsWith('--') && !flags.has(word.split('=')[0]!))
      .map((word) => `${at(code)}: ${name} ${word}`);
  });
  expect(faults).toEqual([]);
});

describe('a link in a page', () => {
  const anchorsOf = (path: string) =>
    [...readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    );

  it('leads somewhere', () => {
    const faults = pages.flatMap((page) =>
      linksOf(page)
        .filter(
          ({ path, anchor }) =>
            !existsSync(path) || (anchor !== '' && path.endsWith('.md') && !anchorsOf(path).includes(anchor)),
        )
        .map(({ line, path, anchor }) => `${page.path}:${line}: ${path}${anchor && `#${anchor}`}`),
    );
    expect(faults).toEqual([]);
  });
});
