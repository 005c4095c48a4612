// The SDK against a model: connections cut anywhere, frames lost in both directions, duplicates, failing handlers, reloads of the page.
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type AckspanMessageEvent, AckspanSocket } from '../../src/client/socket.ts';
import { enough, propertyOptions } from '../support/seed.ts';
import { createFakeNetwork } from './fake-network.ts';
import { FakeSidecar } from './fake-sidecar.ts';

const OUTCOMES = ['returns', 'throws', 'resolves', 'fails', 'slow', 'slow to fail'] as const;
type Outcome = (typeof OUTCOMES)[number];

type Step =
  | {
      readonly do: 'push';
      readonly outcome: Outcome;
      readonly shape: 'text' | 'binary' | 'replay' | 'heard';
      readonly kept: boolean;
    }
  | { readonly do: 'burst'; readonly outcome: Outcome; readonly count: number }
  | { readonly do: 'down' | 'up'; readonly frames: number }
  | { readonly do: 'resend'; readonly pick: number }
  | { readonly do: 'cut' }
  | { readonly do: 'reload' }
  | { readonly do: 'finish' }
  | { readonly do: 'wait'; readonly ms: number };

const push = fc.record({
  do: fc.constant('push' as const),
  outcome: fc.constantFrom(...OUTCOMES),
  shape: fc.constantFrom('text' as const, 'text' as const, 'binary' as const, 'replay' as const, 'heard' as const),
  kept: fc.integer({ min: 0, max: 9 }).map((n) => n > 0),
});
const frames = fc.record({
  do: fc.constantFrom('down' as const, 'up' as const),
  frames: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant(200)),
});
const STEPS = [
  { weight: 6, arbitrary: push },
  { weight: 6, arbitrary: frames },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('resend' as const), pick: fc.nat() }) },
  { weight: 2, arbitrary: fc.constant({ do: 'cut' as const }) },
  { weight: 2, arbitrary: fc.constant({ do: 'finish' as const }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 50, 150) }) },
];
/** More than the SDK once remembered, or than fits in one word. */
const burst = fc.record({
  do: fc.constant('burst' as const),
  outcome: fc.constantFrom(...OUTCOMES),
  count: fc.integer({ min: 30, max: 150 }),
});
const step: fc.Arbitrary<Step> = fc.oneof(...STEPS);
const roughStep: fc.Arbitrary<Step> = fc.oneof(
  ...STEPS,
  { weight: 2, arbitrary: burst },
  { weight: 1, arbitrary: fc.constant({ do: 'reload' as const }) },
);

/**
 * Runs the steps, then heals the network and lets everything finish. `keeps`: every message can be
 * sent again.
 */
async function run(steps: readonly Step[], silence: number | undefined, keeps = false) {
  const sidecar = new FakeSidecar();
  sidecar.silence = silence;
  const network = createFakeNetwork(sidecar);
  const outcomes: Outcome[] = [];
  const handed: number[] = [];
  const done = new Set<number>();
  /** Handed once more by right: a reload came before their handlers had finished. */
  const again: number[] = [];
  let slow: (() => void)[] = [];
  const count = { cuts: 0, resumed: 0, fresh: 0, reloads: 0 };

  const handle = (n: number): unknown => {
    const end = (failed: boolean): void => {
      done.add(n);
      if (failed) throw new Error(`no ${n}`);
    };
    const outcome = outcomes[n - 1]!;
    const failed = /throws|fail/.test(outcome);
    if (/slow/.test(outcome)) {
      const finished = new Promise<void>((resolve) => slow.push(resolve));
      return finished.then(() => end(failed));
    }
    if (/returns|throws/.test(outcome)) return end(failed);
    return Promise.resolve().then(() => end(failed));
  };
  const openSocket = (resume?: AckspanSocket['resumption']): AckspanSocket => {
    const opened = new AckspanSocket('ws://sidecar/chat', [], {
      WebSocket: network.WebSocket,
      ...{ minDelayMs: 2, maxDelayMs: 8, resume: resume ?? null },
      shouldReconnect: ({ code }) => code === 1006,
    });
    opened.addEventListener('resumed', ({ recovered }) => (recovered ? count.resumed++ : count.fresh++));
    opened.onmessage = ({ data }: AckspanMessageEvent): unknown => {
      const n = typeof data === 'string' ? Number(/(\d+)\D*$/.exec(data)![1]) : data[0] * 256 + data[1];
      handed.push(n);
      return handle(n);
    };
    return opened;
  };
  const finish = () => {
    for (const end of slow.splice(0)) end();
  };

  let socket = openSocket();
  // The upgrade and the first welcome: before it there is no session to resume.
  network.connection.stepDown();
  network.connection.stepDown();
  const session = sidecar.session;
  const send = (outcome: Outcome, shape: string, kept: boolean): void => {
    const n = outcomes.push(outcome);
    const texts: Record<string, string> = {
      replay: `{"ackspan":"replay","n":${n}}`,
      heard: `{"ackspan":"heard","s":${n}}`,
    };
    const data = shape === 'binary' ? Uint8Array.of(n >> 8, n & 255) : (texts[shape] ?? `message ${n}`);
    session.push(data, kept || keeps);
  };
  const take = async (one: Step): Promise<void> => {
    switch (one.do) {
      case 'push':
        send(one.outcome, one.shape, one.kept);
        return;
      case 'burst':
        for (let i = 0; i < one.count; i++) send(one.outcome, 'text', true);
        return;
      case 'down':
        for (let i = 0; i < one.frames; i++) network.connection.stepDown();
        return;
      case 'up':
        for (let i = 0; i < one.frames; i++) network.connection.stepUp();
        return;
      case 'resend':
        // Only what this connection has been sent, or what the client had before: never a message
        // that is lost.
        if (session.link && session.messages.length > 0) {
          const n = 1 + (one.pick % session.messages.length);
          if (!session.lost.has(n)) session.resend(n);
        }
        return;
      case 'cut':
        count.cuts++;
        network.connection.cut();
        return;
      case 'reload': {
        count.reloads++;
        const resume = JSON.parse(JSON.stringify(socket.resumption));
        again.push(...handed.filter((n) => !done.has(n)));
        slow = [];
        network.connection.leave();
        socket.close();
        socket = openSocket(resume);
        return;
      }
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
  for (let round = 0; round < 80; round++) {
    await vi.advanceTimersByTimeAsync(5);
    while (network.connection.stepDown() || network.connection.stepUp());
    if (round % 20 === 10) finish();
  }
  const unheard = socket.resumption?.words?.length;
  socket.close();
  await vi.advanceTimersByTimeAsync(10);
  return { session, sidecar, socket, outcomes, handed, again, count, unheard };
}

type Ran = Awaited<ReturnType<typeof run>>;

/** The sidecar's truth is the application's. */
function judge({ session, sidecar, socket, outcomes, handed, again }: Ran): void {
  expect(sidecar.sessions.length, 'sessions').toBe(1);
  expect(session.faults).toEqual([]);
  const first = [...new Set(handed)];
  expect(first).toEqual(outcomes.map((_, index) => index + 1).filter((n) => !session.lost.has(n)));
  const twice = handed.filter((n, index) => handed.indexOf(n) < index);
  expect(
    twice.filter((n) => !again.includes(n)),
    'handed twice though done with',
  ).toEqual([]);
  expect(session.open, 'without an outcome').toEqual([]);
  for (const n of first) {
    const failed = /throws|fail/.test(outcomes[n - 1]!);
    expect(session.rejected.get(n), `message ${n}`).toBe(failed ? `Error: no ${n}` : undefined);
  }
  expect(socket.readyState).toBe(AckspanSocket.CLOSED);
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  vi.spyOn(console, 'error').mockImplementation(() => {});
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('any script of pushes, cuts, duplicates and failures', () => {
  test('every message that can be had reaches the application once and in order, and is told as what became of it', async () => {
    const seen = { cuts: 0, resumed: 0, lost: 0, rejected: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.constantFrom(undefined, 0, 40, 60_000),
        async (steps, silence) => {
          const ran = await run(steps, silence);
          judge(ran);
          seen.cuts += ran.count.cuts;
          seen.resumed += ran.count.resumed;
          seen.lost += ran.session.lost.size;
          seen.rejected += ran.session.rejected.size;
        },
      ),
      propertyOptions(400),
    );
    // The scripts did meet what they are for.
    for (const [what, number] of Object.entries(seen)) expect(number, what).toBeGreaterThan(enough(10));
  });

  test('hundreds of words lost at once, and pages reloaded in between: nothing rejected is ever confirmed, nothing is handled twice', async () => {
    const seen = { cuts: 0, resumed: 0, rejected: 0, reloads: 0, again: 0 };
    await fc.assert(
      fc.asyncProperty(
        fc.array(roughStep, { maxLength: 40, size: 'max' }),
        fc.constantFrom(0, 40, 60_000),
        async (steps, silence) => {
          const ran = await run(steps, silence, true);
          judge(ran);
          expect(ran.unheard, 'still unheard').toBe(0);
          seen.cuts += ran.count.cuts;
          seen.resumed += ran.count.resumed;
          seen.rejected += ran.session.rejected.size;
          seen.reloads += ran.count.reloads;
          seen.again += ran.again.length;
        },
      ),
      propertyOptions(150),
    );
    for (const [what, number] of Object.entries(seen)) expect(number, what).toBeGreaterThan(enough(10));
  });
});
