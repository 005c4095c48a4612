// The wall clock of the real process is set while it works: by hours and by seconds, forward and back, and after a boot with a wrong one.
import { SignJWT } from 'jose';
import { afterEach, describe, expect, it } from 'vitest';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { asking, optIn } from '../support/opted-in.ts';
import { type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { type DeliveryRow, expectHealthyLog, type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { newDirectory } from '../support/store-directory.ts';
import { type WallClock, wallClock } from '../support/wall-clock.ts';
import { confirmation, event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

/**
 * How far a stamp may be from the wall clock of its moment, ms. A clock is set by 20 s at least,
 * and less than half of that is a slow machine.
 */
const CLOSE_MS = 9000;
const HOUR = 3600;
const DAY = 24 * HOUR;
const SECRET = 'a secret of this test and of at least 32 characters';
const RULES = [
  { match: 'soon', confirm: 'processed', timeout: '300ms', attempts: [] },
  { match: 'patient', confirm: 'processed', timeout: '10m', attempts: [] },
  { match: 'brief', confirm: 'processed', timeout: '2s', attempts: [] },
];

interface Row extends DeliveryRow {
  readonly sent_at: string;
  readonly deadline_at: string;
}

async function start(clock: WallClock, config: object = {}, before?: Awaited<ReturnType<typeof startWsBackend>>) {
  const receiver = await startOtlpReceiver();
  atEnd(() => receiver.close());
  const backend = before ?? (await startWsBackend());
  const sidecar = await startSidecar({
    upstream: backend.address,
    config: { events: { rules: RULES }, ...config },
    env: {
      ...clock.env,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_METRIC_EXPORT_INTERVAL: '200',
      OTEL_METRIC_EXPORT_TIMEOUT: '200',
    },
  });
  const row = async (id: string): Promise<Row> => {
    const found = (await sidecar.deliveries()).find(({ event_id }) => event_id === id);
    if (found === undefined) throw new Error(`no delivery of ${id}`);
    return found as Row;
  };
  const span = (id: string) =>
    eventually(() => {
      const found = receiver.spans.find(({ attributes }) => attributes['messaging.message.id'] === id);
      if (found === undefined) throw new Error(`no span of ${id}`);
      return found;
    });
  return { receiver, backend, sidecar, row, span };
}

function close(text: unknown, wall: number): void {
  const ms = typeof text === 'bigint' ? Number(text) / 1e6 : Date.parse(String(text));
  expect(Math.abs(ms - wall), `${new Date(ms).toISOString()}, not ${new Date(wall).toISOString()}`).toBeLessThan(
    CLOSE_MS,
  );
}

/** The latest value of every series of one metric. */
function latest({ metrics }: OtlpReceiver, name: string) {
  const found = metrics.findLast((metric) => metric.name === name);
  if (found === undefined) throw new Error(`no metric ${name}`);
  return found.points;
}

/** Its `timestamp`, which is in seconds, as ISO 8601. */
async function healthTime(sidecar: SidecarProcess): Promise<string> {
  const { timestamp } = (await (await fetch(`${sidecar.admin}/health`)).json()) as { timestamp: number };
  return new Date(timestamp * 1000).toISOString();
}

describe.skipIf(missing('faketime'))('[D18] a wall clock that is set', () => {
  it('10 h forward and back, and by 20 s, changes no outcome, and everything afterwards carries its time', async () => {
    const clock = wallClock();
    const { receiver, backend, sidecar, row, span } = await start(clock);
    const client = await openClient(sidecar.ws);
    const peer = await backend.peer(0);
    const opened = Date.now();
    tell(peer, event('first', 'patient'));
    await sidecar.reach({ tracked: 1 });

    const steps = [10 * HOUR, -10 * HOUR, 20, -20, 0];
    for (const [i, step] of steps.entries()) {
      clock.set(step);
      tell(peer, event(`patient-${i}`, 'patient'));
      tell(peer, event(`soon-${i}`, 'soon'));
      // Time goes on for who has run out of it, and for nobody else.
      const stats = await sidecar.reach({ timeout: i + 1 });
      expect(stats).toMatchObject({ tracked: 1 + 2 * (i + 1), pending: i + 2, failed: 0, confirmed: 0 });
      const soon = await row(`soon-${i}`);
      close(soon.sent_at, clock.now());
      expect(soon.settled_ms).toBeGreaterThanOrEqual(300);
      expect(soon.settled_ms).toBeLessThan(20_000);
      expect(Date.parse(soon.deadline_at) - Date.parse(soon.sent_at)).toBe(300);
      close((await row('first')).sent_at, opened + step * 1000);
      close(await healthTime(sidecar), clock.now());
      const timedOut = await span(`soon-${i}`);
      close(timedOut.endNs, clock.now());
      expect(Number(timedOut.endNs - timedOut.startNs) / 1e6).toBeCloseTo(soon.settled_ms!, 2);
    }
    await eventually(() => {
      for (const { timeNs, startNs } of latest(receiver, 'ackspan.delivery.tracked')) {
        close(timeNs, clock.now());
        expect(timeNs).toBeGreaterThan(startNs);
        expect(Number(startNs) / 1e6).toBeGreaterThan(opened - 20_000);
      }
    });

    for (const id of ['first', ...steps.keys()].map((i) => (i === 'first' ? i : `patient-${i}`)))
      tell(client, confirmation(id));
    await sidecar.reach({ confirmed: 1 + steps.length, timeout: steps.length, pending: 0, failed: 0 });
    const first = await row('first');
    expect(first).toMatchObject({ status: 'confirmed', level: 'processed', error_type: null });
    const whole = await span('first');
    close(whole.startNs, opened);
    expect(Number(whole.endNs - whole.startNs) / 1e6).toBeCloseTo(first.settled_ms!, 2);
    expect(whole.events.map(({ timeNs }) => timeNs >= whole.startNs && timeNs <= whole.endNs)).not.toContain(false);
    expectHealthyLog(sidecar);
  });

  it('right after a boot in the past: a session that began before goes on, and history is shown by the right clock', async () => {
    const clock = wallClock(-3000 * DAY);
    const { backend, sidecar, row, span } = await start(clock);
    const began = Date.now();
    const before = await optIn(sidecar.ws);
    tell(await backend.peer(0), event('kept', 'patient'));
    await before.frames(1);
    close((await row('kept')).sent_at, clock.now());
    before.socket.terminate();
    await eventually(async () => expect(await sidecar.sum('ackspan_session_waiting')).toBe(1));

    clock.set(0);
    const after = await optIn(sidecar.ws, asking(before.welcome, 1));
    expect(after.welcome).toMatchObject({ session: before.welcome.session, recovered: true });
    after.say({ ackspan: 'confirm', through: 1 });
    await sidecar.reach({ confirmed: 1, pending: 0, failed: 0, timeout: 0 });
    close((await row('kept')).sent_at, began);
    const kept = await span('kept');
    close(kept.startNs, began);
    close(kept.endNs, Date.now());
    expectHealthyLog(sidecar);
  });

  it.each([
    ['set 10 h forward in the first process', 0, 10 * HOUR, 10 * HOUR],
    ['set 10 h back in the first process', 0, -10 * HOUR, -10 * HOUR],
    ['3,000 days behind at the start of the first process', -3000 * DAY, 0, 0],
    ['set 10 h back between the two', 0, 0, -10 * HOUR],
    ['3,000 days ahead at the start of the second', 0, 0, 3000 * DAY],
  ])(
    'and a store that outlives the process: %s, it ends no delivery and no session in the second',
    async (_, boot, during, after) => {
      const clock = wallClock(boot);
      const store = { store: `file:${newDirectory()}` };
      const first = await start(clock, store);
      const before = await optIn(first.sidecar.ws);
      tell(await first.backend.peer(0), event('early', 'patient'));
      await before.frames(1);
      clock.set(during);
      // When this is over, the process has looked at its clock again.
      tell(await first.backend.peer(0), event('soon', 'soon'));
      await first.sidecar.reach({ timeout: 1 });
      tell(await first.backend.peer(0), event('later', 'brief'));
      await before.frames(3);
      first.sidecar.signal('SIGKILL');
      await first.sidecar.exited;

      clock.set(after);
      const { sidecar, row } = await start(clock, store, first.backend);
      // A clock that is set forward while nobody runs cannot be told from a long stop.
      const asItIs = after <= during;
      if (asItIs) close((await row('early')).sent_at, clock.now());
      const back = await optIn(sidecar.ws, asking(before.welcome, 3));
      expect(back.welcome).toMatchObject({ session: before.welcome.session, recovered: true });
      // Time goes on for who has run out of it, and for nobody else.
      await sidecar.reach({ timeout: 1, pending: 1, failed: 0 });
      const later = await row('later');
      expect(later.status).toBe('timeout');
      expect(later.settled_ms).toBeGreaterThanOrEqual(2000);
      back.say({ ackspan: 'confirm', through: 1 });
      await sidecar.reach({ confirmed: 1, timeout: 1, pending: 0, failed: 0 });
      if (asItIs) expect((await row('early')).settled_ms).toBeLessThan(HOUR * 1000);
      expectHealthyLog(sidecar);
    },
  );

  it('is the clock that tokens expire by, and log lines are written by', async () => {
    const clock = wallClock();
    const { sidecar } = await start(clock, { identity: { user: 'jwt:sub', jwt_key: SECRET }, log_level: 'debug' });
    const userWith = async (expiry: number) => {
      const token = await new SignJWT({ sub: 'ann', exp: Math.floor(expiry / 1000) })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new TextEncoder().encode(SECRET));
      const client = await openClient(sidecar.ws, { headers: { Authorization: `Bearer ${token}` } });
      const response = await fetch(`${sidecar.admin}/api/v1/connections`);
      const { connections } = (await response.json()) as { connections: { user: string | null; opened_at: string }[] };
      close(connections[0]!.opened_at, clock.now());
      client.socket.terminate();
      await sidecar.idle();
      return connections[0]!.user;
    };
    for (const step of [10 * HOUR, -10 * HOUR, 0]) {
      clock.set(step);
      const wall = clock.now();
      expect([await userWith(wall + 600_000), await userWith(wall - 60_000)], `at ${step} s`).toEqual(['ann', null]);
    }
    clock.set(10 * HOUR);
    sidecar.signal('SIGTERM');
    await sidecar.exited;
    close(sidecar.lines.at(-1)!.time, clock.now());
  });
});
