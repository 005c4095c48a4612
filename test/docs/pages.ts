// Docs: the pages that people read, and the code that stands in them.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Where pages are looked for. A generated page is held against its generator elsewhere, and here
 * like all others.
 */
const PLACES = [
  '.',
  'docs',
  'docs/runbooks',
  'docs/contributing',
  'bench',
  'dashboards',
  'deploy',
  'examples',
  'src',
  'test',
];
/** History: it names what was. */
const LEFT_OUT = new Set(['CHANGELOG.md']);

export interface Page {
  /** Path from the root. */
  readonly path: string;
  readonly text: string;
}

/** A piece of code in a page. */
export interface Code {
  readonly page: Page;
  /** From 1. */
  readonly line: number;
  readonly text: string;
  /** The word behind the fence of a block, `''` without one; undefined for code inside a line. */
  readonly fence: string | undefined;
}

export function readPages(): Page[] {
  const found = new Set<string>();
  for (const place of PLACES) {
    const deep = place === 'deploy' || place === 'src' || place === 'test' || place === 'examples';
    let names: string[];
    try {
      names = readdirSync(place, { recursive: deep, encoding: 'utf8' });
    } catch {
      // A place without pages, so far.
      continue;
    }
    for (const name of names) if (name.endsWith('.md')) found.add(join(place, name));
  }
  return [...found]
    .filter((path) => !LEFT_OUT.has(path) && !path.includes('node_modules'))
    .sort()
    .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
}

/** Blocks between fences, and what stands between backticks in the other lines. */
export function codeOf(page: Page): Code[] {
  const found: Code[] = [];
  let block: { line: number; fence: string; lines: string[] } | undefined;
  page.text.split('\n').forEach((text, index) => {
    const fence = /^\s*```(\w*)/.exec(text);
    if (fence !== null) {
      if (block === undefined) block = { line: index + 2, fence: fence[1]!, lines: [] };
      else {
        found.push({ page, line: block.line, text: block.lines.join('\n'), fence: block.fence });
        block = undefined;
      }
    } else if (block !== undefined) block.lines.push(text);
    else {
      for (const [, code] of text.matchAll(/(?<!`)`([^`]+)`(?!`)/g)) {
        found.push({ page, line: index + 1, text: code!, fence: undefined });
      }
    }
  });
  return found;
}

/** Where relative links of a page lead. */
export function linksOf(page: Page): { line: number; path: string; anchor: string }[] {
  return page.text.split('\n').flatMap((text, index) =>
    [...text.replace(/`[^`]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target!)
      .filter((target) => !/^[a-z]+:/.test(target))
      .map((target) => {
        const [path = '', anchor = ''] = target.split('#');
        return { line: index + 1, path: path === '' ? page.path : join(dirname(page.path), path), anchor };
      }),
  );
}

export const at = ({ page, line }: Pick<Code, 'page' | 'line'>): string => `${page.path}:${line}`;
