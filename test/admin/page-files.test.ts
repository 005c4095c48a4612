// The page's own files: given by name out of memory; nothing beside them can be asked for, and nothing foreign may run in them.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askHttp, serve, serveMounted } from './fixture.ts';

const SECRET = 'not for the web';

/** A built page with a secret beside it. */
function folderWithPage(): string {
  const around = mkdtempSync(join(tmpdir(), 'ackspan-page-'));
  onTestFinished(() => rmSync(around, { recursive: true }));
  const folder = join(around, 'page');
  mkdirSync(folder);
  writeFileSync(join(around, 'secret.txt'), SECRET);
  writeFileSync(join(folder, '.env'), SECRET);
  writeFileSync(join(folder, 'settings.yaml'), SECRET);
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>Ackspan</title>');
  writeFileSync(join(folder, 'main-ABCDEFGH.js'), 'export {};');
  return folder;
}

describe('files of the page', () => {
  it('the page may run and ask nothing but its own, and no other page may frame it', async () => {
    const { get } = await serve({ pageFolder: folderWithPage() });
    const { status, headers, text } = await get('/');
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(text).toContain('<title>Ackspan</title>');
    const policy = String(headers['content-security-policy']).split('; ');
    for (const rule of ["default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"])
      expect(policy).toContain(rule);
    expect(policy.join()).not.toMatch(/unsafe|https?:|\*/);
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
  });

  it('what its name says will not change is kept by browsers, and travels compressed', async () => {
    const { get } = await serve({ pageFolder: folderWithPage() });
    const plain = await get('/page/main-ABCDEFGH.js');
    expect([plain.text, plain.headers['cache-control']]).toEqual([
      'export {};',
      'private, max-age=31536000, immutable',
    ]);
    const zipped = await get('/page/main-ABCDEFGH.js', { headers: { 'accept-encoding': 'br, gzip' } });
    expect(zipped.headers['content-encoding']).toBe('gzip');
    const refused = await get('/page/main-ABCDEFGH.js', { headers: { 'accept-encoding': 'gzip;q=0' } });
    expect(refused.headers['content-encoding']).toBeUndefined();
  });

  it.each([
    '/page/../secret.txt',
    '/page/..%2fsecret.txt',
    '/page/%2e%2e/secret.txt',
    '/page/%2e%2e%2fsecret.txt',
    '/page/..%5csecret.txt',
    '/page/%252e%252e%252fsecret.txt',
    '/page//secret.txt',
    '/page/./index.html',
    '/page/index.html/',
    '/page/index.html%00.js',
    '/page/.env',
    '/page/settings.yaml',
    '/page/__proto__',
    '/page/constructor',
    '/page/%2fetc%2fpasswd',
    '/../secret.txt',
  ])('%s is 404', async (path) => {
    const { get } = await serve({ pageFolder: folderWithPage() });
    const { status, text } = await get(path);
    expect(status).toBe(404);
    expect(text).not.toContain(SECRET);
    expect(text).not.toContain('root:');
  });

  it('on the public port without a token there is no page', async () => {
    const port = await serveMounted({ token: undefined, pageFolder: folderWithPage() });
    expect((await askHttp(port, '/.ackspan/')).status).toBe(403);
    expect((await askHttp(port, '/.ackspan/page/main-ABCDEFGH.js')).status).toBe(403);
  });

  it('a page that was not built is a 404, and nothing else breaks', async () => {
    const { get, faults } = await serve({ pageFolder: '/nowhere/at/all' });
    expect((await get('/')).status).toBe(404);
    expect((await get('/api/v1/about')).status).toBe(200);
    expect(faults).toEqual([]);
  });
});
