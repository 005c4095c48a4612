// admin: GET / and /page/…: the live page as it was built. Its files hold no secret, so they ask for no token.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { problem } from './reply.ts';
import type { Answer, Ask, Route } from './route.ts';

/**
 * What the page may load and do: its own files and its own API, nothing inline, nothing from
 * elsewhere.
 */
const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  'trusted-types',
].join('; ');

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
};

interface PageFile {
  readonly contentType: string;
  readonly plain: Buffer;
  readonly gzip: Buffer;
  /** The name holds a hash of the content, so the content of a name never changes. */
  readonly hashed: boolean;
}

/**
 * Reads every file of the page at the first request. A folder without an index is a page that was
 * not built.
 */
function createFiles(folder: string): () => ReadonlyMap<string, PageFile> {
  let files: Map<string, PageFile> | undefined;
  return () => {
    if (files !== undefined) return files;
    files = new Map();
    for (const name of existsSync(folder) ? readdirSync(folder) : []) {
      const contentType = TYPES[name.split('.').at(-1) as string];
      if (contentType === undefined) continue;
      const plain = readFileSync(join(folder, name));
      const hashed = /-[0-9A-Z]{8}\.\w+$/.test(name);
      files.set(name, { contentType, plain, gzip: gzipSync(plain, { level: 9 }), hashed });
    }
    return files;
  };
}

/** The page and its files. `folder` is where `npm run build` put them. */
export function pageRoutes(folder: string): readonly Route[] {
  const files = createFiles(folder);
  const give = (name: string, { encodings }: Ask): Answer => {
    // Files are looked up by name, never by path: a file outside the folder cannot be asked for.
    const file = files().get(name);
    if (file === undefined) return problem(404, 'There is no such file of the page, or the page was not built.');
    const zipped = /(?:^|,)\s*gzip\s*(?:;\s*q=(?:0\.[1-9]|1)|,|$)/.test(encodings);
    const headers: Record<string, string> = { 'Content-Security-Policy': PAGE_POLICY, Vary: 'Accept-Encoding' };
    if (file.hashed) headers['Cache-Control'] = 'private, max-age=31536000, immutable';
    if (zipped) headers['Content-Encoding'] = 'gzip';
    return {
      kind: 'answer',
      status: 200,
      contentType: file.contentType,
      body: zipped ? file.gzip : file.plain,
      headers,
    };
  };
  const open = { open: true, page: true } as const;
  return [
    { path: '/', ...open, answer: (ask) => give('index.html', ask) },
    { path: '/page/{file}', ...open, answer: (ask) => give(ask.params.file as string, ask) },
  ];
}
