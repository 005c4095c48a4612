// What a release says about its parts: the bill of materials, and the digest of the base image.
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { atEnd, closeAll } from '../support/backends.ts';

const run = promisify(execFile);
const ROOT = resolve(import.meta.dirname, '../..');
const PACKAGE = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
};

afterEach(closeAll);

function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-release-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  return folder;
}

it('the bill of materials names every package of a release with its version and hash, and none of the tools', async () => {
  const folder = scratch();
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(join(ROOT, file), join(folder, file));
  for (const part of ['command', 'page'])
    cpSync(join(ROOT, 'dist', part, 'licences.txt'), join(folder, 'dist', part, 'licences.txt'));
  await run(process.execPath, [join(ROOT, 'deploy/release/sbom.mjs')], { cwd: folder });
  const bom = JSON.parse(readFileSync(join(folder, `.cache/ackspan-${PACKAGE.version}.cdx.json`), 'utf8')) as {
    bomFormat: string;
    metadata: { component: { name: string; type: string } };
    components: { name: string; version: string; purl: string; hashes?: { alg: string }[] }[];
  };
  expect(bom.bomFormat).toBe('CycloneDX');
  expect(bom.metadata.component).toMatchObject({ name: 'ackspan', type: 'application' });
  const found = new Map(bom.components.map((each) => [each.name, each]));
  const bundled = ['commander', 'http-proxy-3', 'jose', 'pino', 'preact', 'uplot', 'yaml', 'zod'];
  const tools = Object.entries(PACKAGE.devDependencies).filter(([name]) => bundled.includes(name));
  expect(tools).toHaveLength(bundled.length);
  for (const [name, version] of [...Object.entries(PACKAGE.dependencies), ...tools])
    expect(found.get(name), name).toMatchObject({ version });
  for (const each of bom.components)
    expect(
      each.hashes?.map(({ alg }) => alg),
      each.name,
    ).toEqual(['SHA-512']);
  for (const name of ['vitest', 'typescript', '@biomejs/biome']) expect(found.has(name), name).toBe(false);
});

describe('pin:image', () => {
  const DIGEST = `sha256:${'0a'.repeat(32)}`;

  async function registry(
    digest: string | undefined,
  ): Promise<{ env: NodeJS.ProcessEnv; asked: string[]; file: string }> {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`);
      if (request.url?.startsWith('/token') === true) response.end('{"token":"t"}');
      else if (digest === undefined) response.writeHead(404).end();
      else response.writeHead(200, { 'docker-content-digest': digest }).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    atEnd(() => void server.close());
    const here = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const file = join(scratch(), 'Dockerfile');
    copyFileSync(join(ROOT, 'Dockerfile'), file);
    return { env: { ...process.env, REGISTRY: here, TOKEN_SERVER: here, DOCKERFILE: file }, asked, file };
  }

  it('writes the digest behind the tag, and a second time replaces it', async () => {
    const { env, asked, file } = await registry(DIGEST);
    const script = join(ROOT, 'deploy/release/pin-image.mjs');
    await run(process.execPath, [script], { env });
    await run(process.execPath, [script], { env });
    expect(readFileSync(file, 'utf8').match(/^ARG NODE_IMAGE=.*$/gm)).toEqual([
      expect.stringMatching(new RegExp(`^ARG NODE_IMAGE=node:24\\.[\\d.]+-bookworm-slim@${DIGEST}$`)),
    ]);
    expect(asked[1]).toMatch(/^HEAD \/v2\/library\/node\/manifests\/24\.[\d.]+-bookworm-slim Bearer t$/);
  });

  it.each([undefined, 'md5:1'])('changes nothing when the registry answers with %s', async (digest) => {
    const { env, file } = await registry(digest);
    const before = readFileSync(file, 'utf8');
    await expect(run(process.execPath, [join(ROOT, 'deploy/release/pin-image.mjs')], { env })).rejects.toThrow(
      /registry/,
    );
    expect(readFileSync(file, 'utf8')).toBe(before);
  });
});
