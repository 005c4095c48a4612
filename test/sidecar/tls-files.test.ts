// Files of authorities are read again when they change: a new certificate needs no restart, and a file that is no good does no harm.
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { watchTlsFile } from '../../src/sidecar/tls-files.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { selfSigned } from '../support/certificate.ts';
import { eventually } from '../support/child.ts';

afterEach(closeAll);

const NONE = 'holds no certificate, or one that cannot be read';

const made = new Map<string, string>();

/** The certificate of that name, each made once. */
function pem(name: string): string {
  const text = made.get(name) ?? String(selfSigned().cert);
  made.set(name, text);
  return text;
}

function watched(write: (path: string) => void) {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-tls-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'ca.pem');
  write(path);
  const got: string[] = [];
  const said: string[] = [];
  atEnd(
    watchTlsFile({
      file: { path, pem: pem('one') },
      key: 'upstream_tls.ca',
      stage: 'upstream',
      changed: (text) => void got.push(text),
      report: ({ error }) => void said.push((error as Error).message.replace(path, 'FILE')),
      log: { info: (_, message) => void said.push(message) },
      everyMs: 5,
    }),
  );
  return { folder, path, got, said };
}

it('a file that is replaced is read again, once; one that is only touched changes nothing', async () => {
  const { folder, path, got, said } = watched((at) => writeFileSync(at, pem('one')));
  const fresh = join(folder, 'new.pem');
  writeFileSync(fresh, pem('one'));
  renameSync(fresh, path);
  writeFileSync(fresh, pem('two'));
  renameSync(fresh, path);
  await eventually(() => expect(got).toEqual([pem('two')]));
  writeFileSync(path, pem('three, in place'));
  await eventually(() => expect(got).toEqual([pem('two'), pem('three, in place')]));
  expect(new Set(said)).toEqual(new Set(['upstream_tls.ca was read again: new connections trust its authorities']));
});

it('a link that is turned over, as Kubernetes does with a secret, is followed', async () => {
  const { folder, path, got } = watched((at) => {
    const folder = join(at, '..');
    for (const [name, text] of [
      ['v1', pem('one')],
      ['v2', pem('two')],
    ] as const) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'ca.pem'), text);
    }
    symlinkSync('v1', join(folder, 'data'));
    symlinkSync(join('data', 'ca.pem'), at);
  });
  expect(path).toContain(folder);
  symlinkSync('v2', join(folder, 'data.new'));
  renameSync(join(folder, 'data.new'), join(folder, 'data'));
  await eventually(() => expect(got).toEqual([pem('two')]));
});

it('a file that goes, or holds no certificate, changes nothing, is reported once, and is read when it is back', async () => {
  const { path, got, said } = watched((at) => writeFileSync(at, pem('one')));
  unlinkSync(path);
  await eventually(() =>
    expect(said).toEqual(['upstream_tls.ca: FILE cannot be read (ENOENT); the authorities read before hold on']),
  );
  writeFileSync(path, 'half a');
  await eventually(() =>
    expect(said.at(-1)).toBe(`upstream_tls.ca: FILE ${NONE}; the authorities read before hold on`),
  );
  expect(got).toEqual([]);
  writeFileSync(path, pem('two'));
  await eventually(() => expect(got).toEqual([pem('two')]));
});

it.each([
  ['a certificate whose bytes are no certificate', () => pem('two').replace(/[A-Z]{3}/, '!!!')],
  ['a certificate that breaks off', () => pem('two').slice(0, 200)],
  ['a whole one, and one that breaks off: the file is being written', () => pem('two') + pem('three').slice(0, 200)],
])('%s changes nothing, and is reported', async (_, text) => {
  const { path, got, said } = watched((at) => writeFileSync(at, pem('one')));
  writeFileSync(path, text());
  await eventually(() => expect(said).toEqual([`upstream_tls.ca: FILE ${NONE}; the authorities read before hold on`]));
  writeFileSync(path, pem('two'));
  await eventually(() => expect(got).toEqual([pem('two')]));
});
