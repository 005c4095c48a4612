// 1,000 sessions of 100 events each through networks that break in every way: each application gets every tracked event once, in order.
import { afterEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { type App, disorder, openApp, type Run, startAgentBackend } from '../support/agent-runs.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { type Chance, chosenSeed, withSeed } from '../support/chance.ts';
import { eventually } from '../support/child.ts';
import { type Fault, startFaultProxy } from '../support/fault-proxy.ts';
import { bugs, type SidecarHere, sidecarHere } from '../support/sidecar-here.ts';
import type { DeliveryRow } from '../support/sidecar-process.ts';

afterEach(closeAll);

const EVENTS = 100;
const RESULTS = ['rejoined', 'recovered', 'fresh', 'unknown', 'expired', 'forged', 'foreign', 'stale'];
const SEED = chosenSeed();

/** Half the connections break, anywhere: at a boundary, in a header, in a payload. */
function anyFault(chance: Chance): Fault | undefined {
  if (chance.next() < 0.5) return undefined;
  return {
    direction: chance.next() < 0.7 ? 'down' : 'up',
    frames: chance.between(0, 60),
    bytes: chance.next() < 0.4 ? 0 : chance.between(1, 200),
    how: chance.of(['fin', 'reset', 'vanish', 'stall', 'slow']),
  };
}

/** A client that has not opted in, with every data frame that it got. */
function openPlain(url: string): string[] {
  const frames: string[] = [];
  const socket = new WebSocket(url);
  atEnd(() => socket.terminate());
  socket.on('error', () => {});
  socket.on('message', (data) => frames.push(String(data)));
  return frames;
}

/** What is still in flight, and whether its application is in that session. */
async function stuck(sidecar: SidecarHere, apps: readonly App[]): Promise<string[]> {
  type Row = DeliveryRow & { readonly session: string };
  const { deliveries } = await sidecar.get<{ deliveries: Row[] }>('/api/v1/deliveries?status=pending&limit=20');
  const retrying = await sidecar.get<{ deliveries: Row[] }>('/api/v1/deliveries?status=retrying&limit=20');
  return [...deliveries, ...retrying.deliveries].map(({ event_id, level, attempts, session }) => {
    const app = apps[Number(/^u(\d+)/.exec(event_id ?? '')?.[1])];
    return `${event_id} ${level} attempts ${attempts}; its own session: ${app?.socket.resumption?.session === session}`;
  });
}

/** [D1] at this very moment. */
async function sumsHold(sidecar: SidecarHere): Promise<void> {
  const stats = await sidecar.stats();
  const { tracked, confirmed, failed, timeout, unverifiable, pending } = stats;
  expect(confirmed + failed + timeout + unverifiable + pending).toBe(tracked);
  expect(pending).toBeGreaterThanOrEqual(0);
}

async function run(chance: Chance, sessions: number): Promise<void> {
  // Every twentieth event is larger than a socket takes at once.
  const backend = await startAgentBackend((n) => (n % 20 === 7 ? 30_000 : 60 + (n % 5) * 30));
  const upstreamFault = (n: number) => (n < sessions / 2 || chance.next() < 0.8 ? undefined : anyFault(chance));
  const behind = await startFaultProxy(backend.port, upstreamFault);
  const sidecar = await sidecarHere(`http://127.0.0.1:${behind.port}`, {
    sessions: { ttl: '10m' },
    limits: { history: 50_000 },
    events: { rules: [{ match: '*', priority: 'critical', attempts: ['300ms', '1s', '2s'], timeout: '10m' }] },
  });
  const front = await startFaultProxy(sidecar.port, () => anyFault(chance));
  const apps = Array.from({ length: sessions }, (_, i): App => {
    const slow = chance.next() < 0.3;
    const app = openApp(`ws://127.0.0.1:${front.port}/ws?user=u${i}`, () =>
      slow ? new Promise((resolve) => setTimeout(resolve, 3)) : undefined,
    );
    // Some talk too, at times in messages that are forwarded piece by piece.
    if (i % 5 === 0)
      app.socket.addEventListener('message', () => {
        if (app.numbers.length % 10 === 0) app.socket.send('x'.repeat(app.numbers.length * 120));
      });
    return app;
  });
  const plain = Array.from({ length: 5 }, (_, i) => openPlain(`${sidecar.ws}/ws?user=p${i}`));

  // Who has never got a welcome has no session to come back to.
  await eventually(() => expect(apps.filter(({ socket }) => socket.resumption === null)).toHaveLength(0));
  await eventually(() => expect(backend.runs.size).toBe(sessions + plain.length));

  // The work of one session: 100 events, with two storms and a restart of the backend on the way.
  let steps = 0;
  const total = (): number => [...backend.runs.values()].reduce((sum, { sent }) => sum + sent, 0);
  const comesBack = ({ user }: Run) => user.startsWith('u');
  while (!backend.step(EVENTS, comesBack)) {
    await new Promise((resolve) => setTimeout(resolve, 4));
    steps++;
    if (steps % 40 === 15) front.storm();
    if (steps === 60) behind.storm();
    if (steps === 80) {
      await backend.crash();
      await backend.back();
    }
    if (steps % 10 === 0) await sumsHold(sidecar);
    if (steps > 6000) throw new Error(`stuck at ${total()} of ${sessions * EVENTS} events`);
  }
  // From here on the network is whole.
  const received = () => apps.reduce((sum, { numbers }) => sum + numbers.length, 0);
  await eventually(async () => {
    await sumsHold(sidecar);
    expect(await stuck(sidecar, apps), 'deliveries still in flight').toEqual([]);
    expect((await sidecar.stats()).pending).toBe(0);
  });

  const stats = await sidecar.stats();
  for (const [i, { numbers, closes }] of apps.entries()) {
    expect(disorder(numbers), `application ${i}`).toBeUndefined();
    expect(closes, `closes of application ${i}`).toEqual([]);
  }
  // Every event that the relay passes on is tracked, and none is received that was not: equal
  // numbers are equal sets.
  const toPlain = plain.reduce((sum, frames) => sum + frames.length, 0);
  expect({ received: received() + toPlain, shed: stats.shed }).toEqual({ received: stats.tracked, shed: 0 });
  // Only who has not opted in can lose something: what was not proven when the backend went.
  const { deliveries } = await sidecar.get<{ deliveries: DeliveryRow[] }>('/api/v1/deliveries?status=failed&limit=500');
  expect(deliveries.filter(({ event_id }) => event_id?.startsWith('u'))).toEqual([]);
  expect(deliveries.length).toBe(stats.failed);
  expect(stats).toMatchObject({ tracked: stats.confirmed + stats.failed, timeout: 0, unverifiable: 0 });
  expect(front.counts.faults).toBeGreaterThan(sessions / 10);
  // Nobody who asked for a session was refused it; whoever never got a first welcome had none to
  // ask for.
  const results = await Promise.all(RESULTS.map((result) => sidecar.sum('ackspan_session_resume_total', { result })));
  const [rejoined, recovered, fresh, ...refused] = results as [number, number, number, ...number[]];
  expect(refused).toEqual([0, 0, 0, 0, 0]);
  expect(Math.min(rejoined, recovered)).toBeGreaterThan(0);
  const anew = apps.flatMap(({ resumed }) => resumed).filter((one) => !one.recovered);
  expect(anew.length).toBeLessThanOrEqual(fresh - sessions);

  // Who has not opted in got what the backend sent on that connection, frame by frame, and nothing
  // else.
  for (const [i, frames] of plain.entries()) {
    expect(frames.map((text) => JSON.parse(text).n)).toEqual(frames.map((_, index) => index + 1));
    expect(frames.length, `frames of client ${i}`).toBeLessThanOrEqual(backend.runs.get(`p${i}`)!.bySocket[0]!);
  }
  expect(bugs(sidecar)).toEqual([]);
}

it.each([0, 1, 2, 3, 4])(
  'run %i: 200 sessions of 100 events; cuts, resets, half-open ends, stalls, trickles, storms, a restart of the backend',
  { timeout: 300_000 },
  async (lane) => {
    await withSeed(SEED + lane, (chance) => run(chance, 200));
  },
);
