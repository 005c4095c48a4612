// Dead letters as a user meets them: events lost over a sidecar that is killed, listed, exported and purged by the command line.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { runCli } from '../support/build.ts';
import { eventually } from '../support/child.ts';
import { optIn } from '../support/opted-in.ts';
import { expectHealthyLog, startSidecar } from '../support/sidecar-process.ts';
import { newDirectory } from '../support/store-directory.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const RULES = [
  { match: 'answer', priority: 'critical', confirm: 'processed', timeout: '60s', keep_lost: true },
  { match: 'note', confirm: 'processed', timeout: '60s' },
];

it('[P6] what was lost is kept over a kill, listed, exported with its message, and purged by user', async () => {
  const backend = await startWsBackend();
  const directory = newDirectory();
  const config = {
    store: `file:${directory}`,
    events: { rules: RULES },
    identity: { user: 'query:user', trust: 'upstream' },
    admin: { payloads: true },
  };
  const options = { upstream: backend.address, config };
  const first = await startSidecar(options);
  const ann = await optIn(`${first.ws}/ws`, 'ackspan=1&user=ann');
  await openClient(`${first.ws}/ws?user=bob`);
  tell(await backend.peer(0), event('e-1', 'answer', { text: 'forty-two', token: 'abc' }));
  tell(await backend.peer(1), event('e-2', 'note'));
  await ann.frames(1);
  ann.say({ ackspan: 'reject', n: 1, reason: 'no \u001b[31mroom' });
  await first.reach({ failed: 1 });
  // Bob's client has proven receipt and not more, so its event is in flight when the process dies.
  await eventually(async () => expect(await first.sum('ackspan_store_written_bytes_total')).toBeGreaterThan(1500));
  await first.kill();

  const second = await startSidecar(options);
  await second.reach({ failed: 1 });
  const ask = (...args: string[]) => runCli(['dead-letters', '--admin', second.admin, ...args]);
  const table = await ask();
  expect([table.code, table.stderr]).toEqual([0, '']);
  expect(table.stdout).toMatch(/^LOST \(UTC\) +REASON +TYPE +ID +EVENT +USER +AFTER +TRIES +MESSAGE\n/);
  expect(table.stdout).toMatch(/instance_lost +note +d-\S+ +e-2 +bob .* –\n/);
  expect(table.stdout).toMatch(/rejected +answer +d-\S+ +e-1 +ann .* \d+ B\n/);
  expect((await ask('--reason', 'timeout')).stderr).toBe('No dead letter matches.\n');

  const { stdout } = await ask('--export', '--user', 'ann');
  const [letter, ...more] = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(more).toEqual([]);
  expect(letter).toMatchObject({ event_id: 'e-1', priority: 'critical', error_type: 'rejected', user: 'ann' });
  expect(letter.error_text).toContain('room');
  expect(JSON.parse(letter.message)).toEqual({ ...event('e-1', 'answer'), text: 'forty-two', token: '[redacted]' });
  expect(await second.sum('ackspan_dead_letters_total', { result: 'failed' })).toBe(0);

  const refused = await ask('--purge', '--user', 'ann');
  expect([refused.code, refused.stderr]).toEqual([2, 'ackspan: --purge needs --why, for the sidecar’s log\n']);
  const purged = await ask('--purge', '--user', 'ann', '--why', 'case 812');
  expect([purged.code, purged.stdout]).toEqual([0, 'Removed 1 dead letter of "ann".\n']);
  await second.line(({ stage, action, user, reason }) => {
    return stage === 'audit' && action === 'purge_dead_letters' && user === 'ann' && reason === 'case 812';
  });
  expect(
    (await ask('--json')).stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).user),
  ).toEqual(['bob']);
  const files = readdirSync(directory).filter((name) => name.endsWith('.log'));
  await eventually(() => {
    for (const name of files) {
      const bytes = readdirSync(directory).includes(name) ? readFileSync(join(directory, name), 'latin1') : '';
      expect(bytes, name).not.toContain('forty-two');
    }
  });
  expectHealthyLog(second);
});

it('without a store the command says what is needed, and ends with 1', async () => {
  const backend = await startWsBackend();
  const { admin } = await startSidecar({ upstream: backend.address });
  const { code, stderr } = await runCli(['dead-letters', '--admin', admin]);
  expect(code).toBe(1);
  expect(stderr).toContain('needs a store (`store: file:/var/lib/ackspan` or `store: redis://…`)');
});
