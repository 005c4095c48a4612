// The SDK against a model: connections cut anywhere, frames lost in both directions, duplicates and failing handlers.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type AckspanMessageEvent, AckspanSocket } from '../../src/client/socket.ts';
import { propertyOptions } from '../support/seed.ts';
import { createFakeNetwork } from './fake-network.ts';
import { FakeSidecar } from './fake-sidecar.ts';

const OUTCOMES = ['returns', 'throws', 'resolves', 'fails', 'slow', 'slow to fail'] as const;
type Outcome = (typeof OUTCOMES)[number];

type Step =
  | {
      readonly do: 'push';
      readonly outcome: Outcome;
      readonly shape: 'text' | 'binary' | 'notice';
      readonly kept: boolean;
    }
  | { readonly do: 'down' | 'up'; readonly frames: number }
  | { readonly do: 'resend'; readonly pick: number }
  | { readonly do: 'cut' }
  | { readonly do: 'finish' }
  | { readonly do: 'wait'; readonly ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('push' as const),
      outcome: fc.constantFrom(...OUTCOMES),
      shape: fc.constantFrom('text' as const, 'text' as const, 'binary' as const, 'notice' as const),
      kept: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('down' as const, 'up' as const),
      frames: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('resend' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.constant({ do: 'cut' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'finish' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 50, 150) }) },
);

/** Runs the steps, then heals the network and lets everything finish. */
async function run(steps: readonly Step[]) {
  const sidecar = new FakeSidecar();
  const network = createFakeNetwork(sidecar);
  const socket = new AckspanSocket('ws://sidecar/chat', [], {
    WebSocket: network.WebSocket,
    minDelayMs: 2,
    maxDelayMs: 8,
  });
  const outcomes: Outcome[] = [];
  const handed: number[] = [];
  const slow: (() => void)[] = [];
  const count = { cuts: 0, resumed: 0, fresh: 0 };
  socket.addEventListener('resumed', ({ recovered }) => (recovered ? count.resumed++ : count.fresh++));
  socket.onmessage = ({ data }: AckspanMessageEvent): unknown => {
    const n = typeof data === 'string' ? Number(/(\d+)\D*$/.exec(data)![1]) : data[0];
    handed.push(n);
    switch (outcomes[n - 1]!) {
      case 'returns':
        return undefined;
      case 'throws':
        throw new Error(`no ${n}`);
      case 'resolves':
        return Promise.resolve();
      case 'fails':
        return Promise.reject(new Error(`no ${n}`));
      case 'slow':
        return new Promise<void>((resolve) => slow.push(resolve));
      case 'slow to fail':
        return new Promise((_, reject) => slow.push(() => reject(new Error(`no ${n}`))));
    }
  };
  const finish = () => {
    for (const end of slow.splice(0)) end();
  };

  // The upgrade and the first welcome: before it there is no session to resume.
  network.connection.stepDown();
  network.connection.stepDown();
  const session = sidecar.session;
  const take = async (one: Step): Promise<void> => {
    switch (one.do) {
      case 'push': {
        const n = outcomes.push(one.outcome);
        const text = one.shape === 'notice' ? `{"ackspan":"replay","n":${n}}` : `message ${n}`;
        session.push(one.shape === 'binary' ? Uint8Array.of(n) : text, one.kept);
        return;
      }
      case 'down':
        for (let i = 0; i < one.frames; i++) network.connection.stepDown();
        return;
      case 'up':
        for (let i = 0; i < one.frames; i++) network.connection.stepUp();
        return;
      case 'resend':
        // Only what this connection has been sent, or what the client had before: never a message that is lost.
        if (session.link && session.messages.length > 0) {
          const n = 1 + (one.pick % session.messages.length);
          if (!session.lost.has(n)) session.resend(n);
        }
        return;
      case 'cut':
        count.cuts++;
        network.connection.cut();
        return;
      case 'finish':
        finish();
        return;
      case 'wait':
        await vi.advanceTimersByTimeAsync(one.ms);
    }
  };
  for (const one of steps) {
    await take(one);
    await vi.advanceTimersByTimeAsync(0);
  }
  for (let round = 0; round < 4; round++) {
    await vi.advanceTimersByTimeAsync(20);
    while (network.connection.stepDown());
    finish();
    await vi.advanceTimersByTimeAsync(150);
    while (network.connection.stepUp());
  }
  socket.close();
  await vi.advanceTimersByTimeAsync(10);
  return { session, sidecar, socket, outcomes, handed, count };
}

describe('any script of pushes, cuts, duplicates and failures', () => {
  const seen = { cuts: 0, resumed: 0, lost: 0, rejected: 0 };

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    vi.spyOn(console, 'error').mockImplementation(() => {});
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
  });

  test('every message that can be had reaches the application once and in order, and is told as what became of it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { session, sidecar, socket, outcomes, handed, count } = await run(steps);
        expect(sidecar.sessions.length, 'sessions').toBe(1);
        expect(session.faults).toEqual([]);
        expect(handed).toEqual(outcomes.map((_, index) => index + 1).filter((n) => !session.lost.has(n)));
        expect(session.open, 'without an outcome').toEqual([]);
        for (const n of handed) {
          const failed = /throws|fail/.test(outcomes[n - 1]!);
          expect(session.rejected.get(n), `message ${n}`).toBe(failed ? `Error: no ${n}` : undefined);
        }
        expect(socket.readyState).toBe(AckspanSocket.CLOSED);
        seen.cuts += count.cuts;
        seen.resumed += count.resumed;
        seen.lost += session.lost.size;
        seen.rejected += session.rejected.size;
      }),
      propertyOptions(400),
    );
    // The scripts did meet what they are for.
    for (const [what, number] of Object.entries(seen)) expect(number, what).toBeGreaterThan(10);
  });
});
