// The example of docs/debugging.md: one connection is followed from its upgrade to its end, in a real sidecar.
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const FOLLOW = join(import.meta.dirname, '../../examples/follow.mjs');

it('the example follows one connection: each of its steps in order, and nothing of another one', async () => {
  const backend = await startWsBackend();
  const env = { FOLLOW: 'c-2', NODE_OPTIONS: `--import ${FOLLOW}` };
  const sidecar = await startSidecar({ upstream: backend.address, env });
  const steps = () =>
    sidecar
      .stderr()
      .split('\n')
      .filter((line) => line.startsWith('ackspan:'));
  await openClient(`${sidecar.ws}/ws/other?token=secret`);
  const client = await openClient(`${sidecar.ws}/ws/followed?token=secret`);
  // The pong of the first barrier.
  await eventually(() => expect(steps().at(-1)).toMatch(/^ackspan:connection:capability /));
  tell(await backend.peer(0), event('e-other'));
  tell(await backend.peer(1), event('e-followed'));
  await sidecar.reach({ confirmed: 2 });
  client.socket.close(1000, 'good bye');
  await eventually(() => expect(steps().at(-1)).toMatch(/^ackspan:connection:closed /));
  expect(steps().map((line) => line.split(' ', 1)[0])).toEqual([
    'ackspan:upgrade:asked',
    'ackspan:connection:opened',
    ...['ackspan:connection:capability', 'ackspan:delivery:tracked', 'ackspan:delivery:received'],
    'ackspan:delivery:settled',
    'ackspan:connection:closed',
  ]);
  expect(steps().at(-1)).toMatch(/"by":"client","code":1000,"reason":"good bye"/);
  expect(sidecar.stderr()).not.toContain('secret');
  expect(steps().join('\n')).not.toContain('e-other');
});
