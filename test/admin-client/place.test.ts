// Where the admin server is and what opens it: flag before variable before default, and every fault said without the token.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { PlaceFault, readPlace } from '../../src/admin-client/place.ts';
import { atEnd, closeAll } from '../support/backends.ts';

afterEach(closeAll);

function tokenFile(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-token-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'token');
  writeFileSync(file, text);
  return file;
}

it.each([
  [{}, {}, 'http://127.0.0.1:9464'],
  [{}, { ACKSPAN_ADMIN: 'a:9464' }, 'http://a:9464'],
  [{ admin: 'b:1' }, { ACKSPAN_ADMIN: 'a:9464' }, 'http://b:1'],
  [{ admin: 'https://app.example.com/.ackspan/' }, {}, 'https://app.example.com/.ackspan'],
  [{ admin: 'http://[::1]:9464' }, {}, 'http://[::1]:9464'],
  [{}, { ACKSPAN_ADMIN: '' }, 'http://127.0.0.1:9464'],
])('%j with %j is %s', (given, env, base) => expect(readPlace(given, env).base).toBe(base));

it('the token comes from the flag, its file, the variable or the file that a variable names', () => {
  const file = tokenFile('from-file\nsecond line\n');
  expect(readPlace({}, {}).token).toBeUndefined();
  expect(readPlace({ token: 'flag' }, { ACKSPAN_ADMIN_TOKEN: 'env' }).token).toBe('flag');
  expect(readPlace({ tokenFile: file }, { ACKSPAN_ADMIN_TOKEN: 'env' }).token).toBe('from-file');
  expect(readPlace({}, { ACKSPAN_ADMIN_TOKEN: 'env', ACKSPAN_ADMIN_TOKEN_FILE: file }).token).toBe('env');
  expect(readPlace({}, { ACKSPAN_ADMIN_TOKEN_FILE: file }).token).toBe('from-file');
  expect(readPlace({ tokenFile: tokenFile('windows\r\n') }, {}).token).toBe('windows');
});

it.each([
  [{ admin: 'ftp://a' }, 'http:// or https://'],
  [{ admin: 'http://' }, 'is no URL'],
  [{ admin: 'http://anna:hunter2@a' }, 'holds credentials'],
  [{ admin: 'http://a/?x=1' }, 'without a query'],
  [{ token: 'a', tokenFile: 'b' }, 'exclude each other'],
  [{ token: 'hunter2 hunter2' }, 'no header may carry'],
  [{ token: 'hunter2\r\nX-Evil: 1' }, 'no header may carry'],
  [{ token: '' }, 'is empty'],
  [{ tokenFile: '/nonexistent' }, 'there is no such file'],
  [{ tokenFile: '/' }, 'cannot be read (EISDIR)'],
])('%j is refused: %s', (given, text) => {
  const read = () => readPlace(given, {});
  expect(read).toThrow(PlaceFault);
  expect(read).toThrow(text);
  expect(read).not.toThrow('hunter2');
});

it('a file that is no token file is refused', () => {
  expect(() => readPlace({ tokenFile: tokenFile('x'.repeat(20_000)) }, {})).toThrow('too long for a token');
});
