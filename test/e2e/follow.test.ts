// The example of docs/debugging.md: one connection is followed from its upgrade to its end, in a real sidecar.
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { asking, optIn } from '../support/opted-in.ts';
import { type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const FOLLOW = join(import.meta.dirname, '../../examples/follow.mjs');

/** The lines of the example. */
const stepsOf = (sidecar: SidecarProcess): string[] =>
  sidecar
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith('ackspan:'));

it('the example follows one connection: each of its steps in order, and nothing of another one', async () => {
  const backend = await startWsBackend();
  const env = { FOLLOW: 'c-2', NODE_OPTIONS: `--import ${FOLLOW}` };
  const sidecar = await startSidecar({ upstream: backend.address, env });
  const steps = () => stepsOf(sidecar);
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
    'ackspan:connection:closing',
    'ackspan:connection:closed',
  ]);
  expect(steps().at(-1)).toMatch(/"by":"client","code":1000,"reason":"good bye"/);
  expect(sidecar.stderr()).not.toContain('secret');
  expect(steps().join('\n')).not.toContain('e-other');
});

it('a session can be followed over its connections: parked, resumed, and replaced by a newer one', async () => {
  const backend = await startWsBackend();
  const env = { FOLLOW: 'c-1', NODE_OPTIONS: `--import ${FOLLOW}` };
  const sidecar = await startSidecar({ upstream: backend.address, env });
  const heard = (wanted: RegExp) => eventually(() => expect(stepsOf(sidecar).join('\n')).toMatch(wanted));
  const first = await optIn(`${sidecar.ws}/ws`);
  first.socket.terminate();
  await heard(/:parked c-1 .*"code":1006/);
  const second = await optIn(`${sidecar.ws}/ws`, asking(first.welcome, 0));
  await heard(/:resumed c-2 .*"recovered":true/);
  const third = await optIn(`${sidecar.ws}/ws`, asking(second.welcome, 0));
  await heard(/:replaced c-2 .*"code":4409/);
  await heard(/:resumed c-3 .*"recovered":true/);
  third.socket.close(1000);
  await heard(/:closing c-3 .*"by":"client","code":1000.*\n.*:closed c-3 /);
  expect(stepsOf(sidecar).filter((line) => line.includes(':opened '))).toEqual([
    expect.stringMatching(/c-1 .*"rejoined":false/),
    expect.stringMatching(/c-2 .*"rejoined":true/),
    expect.stringMatching(/c-3 .*"rejoined":true/),
  ]);
});

it('an upgrade that is refused here is told with its answer', async () => {
  const backend = await startWsBackend();
  const env = { NODE_OPTIONS: `--import ${FOLLOW}` };
  const sidecar = await startSidecar({ upstream: backend.address, config: { limits: { connections: 1 } }, env });
  await openClient(`${sidecar.ws}/ws`);
  await expect(openClient(`${sidecar.ws}/ws/second?token=secret`)).rejects.toThrow('503');
  const told = /^ackspan:upgrade:turned_away {2}.*"path":"\/ws\/second".*"status":503,"reason":"too many connections/m;
  await eventually(() => expect(stepsOf(sidecar).join('\n')).toMatch(told));
  expect(stepsOf(sidecar).join('\n')).not.toContain('secret');
});
