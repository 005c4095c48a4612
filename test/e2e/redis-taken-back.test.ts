// An instance that was taken for dead and wakes while a client of its sessions is still with it: whose is the session?
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually, exitOf } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { asking, type OptedInClient, optIn } from '../support/opted-in.ts';
import type { RedisServer } from '../support/redis-server.ts';
import { startShared } from '../support/shared-store.ts';
import { expectHealthyLog, type SidecarProcess } from '../support/sidecar-process.ts';

afterEach(closeAll);

const NO_LOSS = { failed: 0, timeout: 0, unverifiable: 0 };
const CONFIG = { events: { rules: [{ match: '*', confirm: 'processed', timeout: '60s', attempts: [] }] } };

/** A session at the first of two instances, which stands still until the second has reaped it. */
async function reaped<C extends OptedInClient>(open: (first: SidecarProcess) => Promise<C>) {
  const shared = await startShared(CONFIG);
  const [first, second] = [await shared.start(), await shared.start()];
  const stayed = await open(first);
  const run = await shared.runOf('ann');
  const emit = (count: number): void => {
    for (let i = 0; i < count; i++) shared.backend.emit(run);
  };
  emit(3);
  await eventually(() => expect(numbers(stayed)).toEqual([1, 2, 3]));
  await first.reach({ pending: 3 });
  first.signal('SIGSTOP');
  await second.reach({ pending: 3 });
  return { shared, first, second, stayed, run, emit };
}

/** The numbers of the events that the client has got. */
const numbers = ({ texts }: OptedInClient): number[] =>
  texts.flatMap((text) => {
    const { n, ackspan } = JSON.parse(text);
    return ackspan === undefined ? [n] : [];
  });

/** Outcomes over both instances. */
async function outcomes(...all: readonly SidecarProcess[]) {
  const stats = await Promise.all(all.map((each) => each.stats()));
  const of = (key: 'pending' | 'confirmed' | keyof typeof NO_LOSS) => stats.reduce((sum, one) => sum + one[key], 0);
  return {
    pending: of('pending'),
    confirmed: of('confirmed'),
    lost: of('failed') + of('timeout') + of('unverifiable'),
  };
}

const fresh = (first: SidecarProcess) => optIn(`${first.ws}/ws`, 'user=ann&ackspan=1');

/** A client whose token may be shown once more: `asking(client.shown, …)`. */
async function resumed(first: SidecarProcess) {
  const { socket, welcome } = await fresh(first);
  socket.terminate();
  return Object.assign(await optIn(`${first.ws}/ws`, `user=ann&${asking(welcome, 0)}`), { shown: welcome });
}

describe.skipIf(missing('redis-server'))('[R10] [P8] an instance wakes that was taken for dead', () => {
  it.each([
    ['a newer token', 'welcome'],
    ['the token that the client here has used', 'shown'],
  ] as const)(
    'a client that came elsewhere with %s keeps its session, and the one here is replaced',
    async (_, token) => {
      const { shared, first, second, stayed } = await reaped(resumed);
      const moved = await optIn(`${second.ws}/ws`, `user=ann&${asking(stayed[token], 1)}`);
      expect(moved.welcome.session).toBe(stayed.welcome.session);
      const run = await shared.runOf('ann');
      await eventually(() => expect(numbers(moved)).toEqual([2, 3]));
      first.signal('SIGCONT');
      const closed = (client: OptedInClient, which: string) => client.closed.then((code) => `${which}: ${code}`);
      expect(await Promise.race([closed(stayed, 'here'), closed(moved, 'elsewhere')])).toBe('here: 4409');
      shared.backend.emit(run);
      await eventually(() => expect(numbers(moved)).toEqual([2, 3, 4]));
      moved.say({ ackspan: 'confirm', through: 4 });
      await second.reach({ pending: 0, confirmed: 4, ...NO_LOSS });
      expect(moved.socket.readyState).toBe(WebSocket.OPEN);
      expect(await first.stats()).toMatchObject({ pending: 0, confirmed: 0, ...NO_LOSS });
      for (const each of [first, second]) expectHealthyLog(each);
    },
  );

  it('while the one that has its session stands still: its client stays, and the session is back after the lease', async () => {
    const { shared, first, second, stayed, emit } = await reaped(fresh);
    const owner = () => shared.redis.client.hget(`ackspan:session:{${stayed.welcome.session}}`, 'owner');
    const reaper = await owner();
    second.signal('SIGSTOP');
    first.signal('SIGCONT');
    emit(1);
    await eventually(() => expect(numbers(stayed)).toEqual([1, 2, 3, 4]));
    stayed.say({ ackspan: 'confirm', through: 4, s: 1 });
    await Promise.race([stayed.closed, eventually(async () => expect(await owner()).not.toBe(reaper))]);
    expect(stayed.socket.readyState).toBe(WebSocket.OPEN);
    await eventually(() => expect(stayed.texts).toContain('{"ackspan":"heard","s":1}'));
    await first.reach({ pending: 0, confirmed: 4 });
    second.signal('SIGCONT');
    await second.reach({ pending: 0 });
    emit(1);
    await eventually(() => expect(numbers(stayed)).toEqual([1, 2, 3, 4, 5]));
    stayed.say({ ackspan: 'confirm', through: 5, s: 2 });
    await first.reach({ pending: 0, confirmed: 5 });
    expect(await outcomes(first, second)).toEqual({ pending: 0, confirmed: 5, lost: 0 });
    expect(stayed.socket.readyState).toBe(WebSocket.OPEN);
  });

  it('what the client here says meanwhile is not taken in, where the session stays elsewhere: one outcome each', async () => {
    const { shared, first, second, stayed } = await reaped(resumed);
    const moved = await optIn(`${second.ws}/ws`, `user=ann&${asking(stayed.shown, 1)}`);
    await eventually(() => expect(numbers(moved)).toEqual([2, 3]));
    second.signal('SIGSTOP');
    const asks = await listen(shared.redis.client, 'release');
    first.signal('SIGCONT');
    await asks.heard;
    stayed.say({ ackspan: 'confirm', through: 3, s: 1 });
    await eventually(() => expect(stayed.texts).toContain('{"ackspan":"heard","s":0}'));
    second.signal('SIGCONT');
    expect(await stayed.closed).toBe(4409);
    expect(stayed.texts).not.toContain('{"ackspan":"heard","s":1}');
    moved.say({ ackspan: 'confirm', through: 3, s: 1 });
    await second.reach({ pending: 0, confirmed: 3 });
    expect(await outcomes(first, second)).toEqual({ pending: 0, confirmed: 3, lost: 0 });
  });

  it('what the client here had said while it stood still is not taken in, where it was said elsewhere too', async () => {
    const { first, second, stayed } = await reaped(resumed);
    stayed.say({ ackspan: 'confirm', through: 3, s: 1 });
    const moved = await optIn(`${second.ws}/ws`, `user=ann&${asking(stayed.welcome, 3)}`);
    moved.say({ ackspan: 'confirm', through: 3, s: 1 });
    await second.reach({ pending: 0, confirmed: 3 });
    first.signal('SIGCONT');
    expect(await stayed.closed).toBe(4409);
    expect(await outcomes(first, second)).toEqual({ pending: 0, confirmed: 3, lost: 0 });
    expect(stayed.texts).not.toContain('{"ackspan":"heard","s":1}');
  });

  it('what the client here had said while it stood still counts when its session is back', async () => {
    const { first, second, stayed } = await reaped(fresh);
    stayed.say({ ackspan: 'confirm', through: 3, s: 1 });
    first.signal('SIGCONT');
    await eventually(() => expect(stayed.texts).toContain('{"ackspan":"heard","s":1}'));
    await first.reach({ pending: 0, confirmed: 3 });
    await second.reach({ pending: 0 });
    expect(await outcomes(first, second)).toEqual({ pending: 0, confirmed: 3, lost: 0 });
  });

  it('what its backend sent to the client here alone ends here, once', async () => {
    const { first, second, stayed, emit } = await reaped(resumed);
    emit(2);
    await optIn(`${second.ws}/ws`, `user=ann&${asking(stayed.welcome, 1)}`);
    first.signal('SIGCONT');
    expect(await stayed.closed).toBe(4409);
    // The client may have answered the barrier behind them, and has not spoken of them.
    const { tracked, pending, failed, unverifiable } = await first.stats();
    expect({ tracked, pending, ended: failed + unverifiable }).toEqual({ tracked: 2, pending: 0, ended: 2 });
    expect(await second.stats()).toMatchObject({ tracked: 3, pending: 3 });
  });

  it.each(['when it has woken and asks for the session', 'in the moment in which it wakes'])(
    'is stopped by SIGTERM %s: what its backend sent to the client here alone ends here, once',
    async (when) => {
      const { shared, first, second, emit } = await reaped(resumed);
      second.signal('SIGSTOP');
      emit(2);
      const asks = await listen(shared.redis.client, 'release');
      first.signal('SIGCONT');
      if (when.includes('asks')) await asks.heard;
      first.signal('SIGTERM');
      expect(await exitOf(first)).toEqual({ code: 0, signal: null });
      const ended = await shared.redis.client.xlen('ackspan:{letters}:all');
      // None: on a slow machine the other one is taken for dead meanwhile, and all goes on there.
      expect([0, 2]).toContain(ended);
      second.signal('SIGCONT');
      await second.reach({ tracked: 5 - ended, pending: 5 - ended });
    },
  );
});

/** Listens to what instances tell each other. `heard` resolves when one has told another that. */
async function listen(client: RedisServer['client'], kind: string) {
  const listener = client.duplicate();
  atEnd(() => listener.disconnect());
  await listener.psubscribe('ackspan:to:*');
  const heard = new Promise<void>((resolve) => {
    listener.on('pmessage', (_, __, text: string) => JSON.parse(text).kind === kind && resolve());
  });
  return { heard };
}
