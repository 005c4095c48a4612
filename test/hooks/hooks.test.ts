// Notices about real deliveries of a real tracker, sent to a real HTTP server that is well, slow, broken or gone.

import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Policy } from '../../src/delivery/policy.ts';
import type { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createHooks, type HookDeps, type Hooks } from '../../src/hooks/hooks.ts';
import type { HookLimits } from '../../src/hooks/limits.ts';
import { HOOK_KINDS } from '../../src/hooks/notice.ts';
import { resolveTarget } from '../../src/hooks/target.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { eventType, facts } from '../delivery/harness.ts';
import { selfSigned } from '../support/certificate.ts';
import { freePort } from '../support/free-port.ts';
import { SECRET, startReceiver, status, verifies } from './receiver.ts';

const NEW_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const UPSTREAM = {
  secure: false,
  host: '127.0.0.1',
  port: 9,
  socketPath: undefined,
  basePath: '',
  verifyTls: true,
  ca: undefined,
};
/** Quick enough for a test, and the same in kind. */
const LIMITS: Partial<HookLimits> = { firstRetryMs: 2, longestRetryMs: 10, breakerFailures: 1000 };

/** Waits for a condition on a machine that may be busy. */
const soon = (condition: () => void) => vi.waitFor(condition, { timeout: 60_000 });
const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function receiver(where?: string) {
  const started = await startReceiver(where);
  ends.push(() => started.close());
  return started;
}

function hooksTo(url: string, limits: Partial<HookLimits> = {}, more: Partial<HookDeps> = {}) {
  const reports: string[] = [];
  const hooks = createHooks({
    target: resolveTarget(url, UPSTREAM),
    secrets: [SECRET],
    kinds: HOOK_KINDS,
    source: 'urn:ackspan:test',
    userAgent: 'ackspan/test',
    payload: false,
    limits: { ...LIMITS, ...limits },
    now: () => performance.timeOrigin + performance.now(),
    wallOf: (at) => at,
    random: () => 0.5,
    report: ({ error }) => reports.push((error as Error).message),
    ...more,
  });
  ends.push(() => hooks.stop(0));
  return { hooks, reports };
}

/** A tracker that the hooks observe; deliveries end as told. */
function withTracker(hooks: Hooks, policy: Partial<Policy> = {}) {
  const start = performance.timeOrigin + performance.now();
  const { observer, reemit } = hooks;
  const limits = {
    pending: 100_000,
    pendingPerUser: 100_000,
    retention: { bytes: 1e6, bytesPerSession: 1e6, bytesPerUser: 1e6 },
  };
  const store = createMemoryStore({ history: 0 });
  const tracker = new Tracker({ store, observer, limits, now: start, random: () => 0.5, reemit });
  const type = eventType('tool_executing', 1, policy);
  const session = new Session('s-1', new Owner('u1'));
  tracker.received(session, 0, start);
  let ordinal = 0;
  const track = (id?: string): Delivery => tracker.track(session, facts(type, id), ++ordinal, start)!;
  const reject = (count = 1, error = ''): void => {
    for (let i = 0; i < count; i++) {
      const id = `e-${ordinal + 1}`;
      track(id);
      tracker.processed(session, id, true, error, start + 5);
    }
  };
  return { tracker, session, start, track, reject };
}

function balance({ counters, waiting }: Hooks): void {
  const dropped = Object.values(counters.dropped).reduce((sum, each) => sum + each, 0);
  expect(counters.noticed).toBe(counters.delivered + dropped + waiting);
}

describe('what is sent', () => {
  test('each bad outcome is one signed CloudEvent; a confirmation is none', async () => {
    const to = await receiver();
    const { hooks } = hooksTo(to.url);
    const { tracker, session, start, track, reject } = withTracker(hooks);
    track('ok');
    tracker.processed(session, 'ok', false, '', start + 1);
    reject(1, 'no such panel');
    track('late');
    tracker.tick(start + 31_000);
    const silent = new Session('s-2', new Owner(undefined));
    tracker.track(silent, { ...facts(eventType('agent_thinking', 2), 'u'), traceparent: 'tp' }, 1, start);
    tracker.ended(silent, start + 50);

    const received = await to.arrived(3);
    for (const each of received) {
      expect(each.path).toBe('/hooks?x=1');
      expect(each.headers).toMatchObject({
        'content-type': 'application/cloudevents+json; charset=utf-8',
        'user-agent': 'ackspan/test',
      });
      expect(verifies(each, SECRET)).toBe(true);
      expect(verifies(each, NEW_SECRET)).toBe(false);
      expect(Math.abs(Number(each.headers['webhook-timestamp']) - each.at / 1000)).toBeLessThan(60);
      expect(each.headers['webhook-id']).toBe((JSON.parse(each.body) as { id: string }).id);
    }
    const byType = new Map(to.events().map((event) => [event.type, event]));
    expect([...byType.keys()].sort()).toEqual([
      'dev.ackspan.delivery.failed',
      'dev.ackspan.delivery.timeout',
      'dev.ackspan.delivery.unverifiable',
    ]);
    const failed = byType.get('dev.ackspan.delivery.failed')!;
    expect(failed).toMatchObject({
      specversion: '1.0',
      source: 'urn:ackspan:test',
      subject: 'e-2',
      time: new Date(start + 5).toISOString(),
      datacontenttype: 'application/json',
      data: {
        event_id: 'e-2',
        event_type: 'tool_executing',
        priority: 'normal',
        status: 'failed',
        error_type: 'rejected',
        error: 'no such panel',
        attempts: 1,
        user: 'u1',
        session: 's-1',
        settled_at: new Date(start + 5).toISOString(),
      },
    });
    expect(byType.get('dev.ackspan.delivery.timeout')!.data).toMatchObject({ event_id: 'late', error_type: 'timeout' });
    expect(byType.get('dev.ackspan.delivery.unverifiable')).toMatchObject({ subject: 'u', traceparent: 'tp' });
    await soon(() => expect(hooks.counters.delivered).toBe(3));
    balance(hooks);
  });

  test('during a change of secrets a receiver may know the old or the new one', async () => {
    const to = await receiver();
    const { hooks } = hooksTo(to.url, {}, { secrets: [NEW_SECRET, SECRET] });
    withTracker(hooks).reject();
    const [notice] = await to.arrived(1);
    expect(String(notice!.headers['webhook-signature']).split(' ')).toHaveLength(2);
    expect([verifies(notice!, SECRET), verifies(notice!, NEW_SECRET)]).toEqual([true, true]);
    expect(verifies({ ...notice!, body: `${notice!.body} ` }, SECRET)).toBe(false);
  });

  test('only the kinds that the operator chose', async () => {
    const to = await receiver();
    const { hooks } = hooksTo(to.url, {}, { kinds: ['timeout'] });
    const { tracker, start, track, reject } = withTracker(hooks);
    reject();
    track('late');
    tracker.tick(start + 31_000);
    await to.arrived(1);
    expect(to.events().map((event) => event.subject)).toEqual(['late']);
    expect(hooks.reemit).toBeUndefined();
    expect(hooks.counters.noticed).toBe(1);
  });

  test('to a path of an upstream on a unix socket', async () => {
    const socketPath = join(mkdtempSync(join(tmpdir(), 'hooks-')), 'upstream.sock');
    const to = await receiver(socketPath);
    const upstream = { ...UPSTREAM, host: socketPath, port: 0, socketPath, basePath: '/base' };
    const { hooks } = hooksTo('/notices', {}, { target: resolveTarget('/notices', upstream) });
    withTracker(hooks).reject();
    const [notice] = await to.arrived(1);
    expect(notice).toMatchObject({ path: '/base/notices', headers: { host: 'localhost' } });
  });
});

describe('over TLS', () => {
  async function secure() {
    const { key, cert } = selfSigned();
    const bodies: string[] = [];
    const server = createTlsServer({ key, cert }, (request, response) => {
      request.setEncoding('utf8').on('data', (text: string) => bodies.push(text));
      request.on('end', () => response.writeHead(204).end());
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    ends.push(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as AddressInfo;
    return { upstream: { ...UPSTREAM, secure: true, host: 'localhost', port }, cert: cert.toString(), bodies };
  }

  test('an upstream is trusted as the operator says: by its authority', async () => {
    const { upstream, cert, bodies } = await secure();
    const { hooks } = hooksTo('/', {}, { target: resolveTarget('/', { ...upstream, ca: cert }) });
    withTracker(hooks).reject();
    await soon(() => expect(hooks.counters.delivered).toBe(1));
    expect(JSON.parse(bodies.join(''))).toMatchObject({ type: 'dev.ackspan.delivery.failed' });
  });

  test('a certificate that nobody vouches for gets nothing', async () => {
    const { upstream, bodies } = await secure();
    const { hooks, reports } = hooksTo('/', { tries: 2 }, { target: resolveTarget('/', upstream) });
    withTracker(hooks).reject();
    await soon(() => expect(hooks.counters.dropped.exhausted).toBe(1));
    expect(reports[0]).toMatch(/self-signed certificate/);
    expect(bodies).toEqual([]);
  });
});

describe('re-emission', () => {
  test('the tracker’s attempts become requests; each is asked for once until it got through', async () => {
    const to = await receiver();
    to.hold();
    const { hooks } = hooksTo(to.url);
    const { tracker, start, track } = withTracker(hooks);
    // The session is away and nothing of the message was kept.
    const delivery = track('lost');
    tracker.tick(start + 1100);
    await to.arrived(1);
    tracker.tick(start + 3200);
    expect(delivery.attemptLog?.map(({ kind, result }) => [kind, result])).toEqual([
      ['reemit', 'sent'],
      ['reemit', 'blocked'],
    ]);
    to.release();
    await soon(() => expect(hooks.counters.delivered).toBe(1));
    tracker.tick(start + 7500);
    await to.arrived(2);
    expect(to.events().map(({ type, subject }) => [type, subject])).toEqual([
      ['dev.ackspan.delivery.reemit', 'lost'],
      ['dev.ackspan.delivery.reemit', 'lost'],
    ]);
    expect(new Set(to.events().map((event) => event.id)).size).toBe(2);
    expect(to.events()[0]!.data).toMatchObject({ status: 'retrying', settled_at: null });
  });

  test('a re-emission whose event has been confirmed meanwhile is not asked for', async () => {
    const to = await receiver();
    to.behave(status(503));
    const { hooks } = hooksTo(to.url, { firstRetryMs: 50, longestRetryMs: 50 });
    const { tracker, session, start, track } = withTracker(hooks);
    track('lost');
    tracker.tick(start + 1100);
    await to.arrived(1);
    tracker.processed(session, 'lost', false, '', start + 1200);
    await soon(() => expect(hooks.counters.dropped.obsolete).toBe(1));
    expect(to.received).toHaveLength(1);
    balance(hooks);
  });

  test.each([
    [false, new TextEncoder().encode('{"a":"ü"}'), undefined],
    [true, new TextEncoder().encode('{"a":"ü"}'), { payload: '{"a":"ü"}' }],
    [true, Uint8Array.of(0xff, 0x00), { payload_base64: '/wA=' }],
  ])('[D11] the payload goes along only if the operator wants it: %s', async (payload, bytes, expected) => {
    const to = await receiver();
    const { hooks } = hooksTo(to.url, {}, { payload });
    const { tracker, track, start } = withTracker(hooks);
    const delivery = track('lost');
    tracker.retention.keep(delivery, bytes.length, () => bytes);
    expect(hooks.reemit!(delivery, start)).toBe('sent');
    await to.arrived(1);
    const { data } = to.events()[0]!;
    if (expected === undefined) expect([data.payload, data.payload_base64]).toEqual([undefined, undefined]);
    else expect(data).toMatchObject(expected);
  });

  test('[D7] payload that waits is bounded: beyond it notices go without', async () => {
    const to = await receiver();
    to.hold();
    const { hooks, reports } = hooksTo(to.url, { payloadBytes: 100 }, { payload: true });
    const { tracker, track, start } = withTracker(hooks);
    const ask = (id: string) => {
      const delivery = track(id);
      tracker.retention.keep(delivery, 60, () => new Uint8Array(60).fill(97));
      hooks.reemit!(delivery, start);
    };
    ask('a');
    ask('b');
    await to.arrived(2);
    to.release();
    await soon(() => expect(hooks.counters.delivered).toBe(2));
    ask('c');
    await to.arrived(3);
    expect(to.events().map(({ subject, data }) => [subject, data.payload !== undefined])).toEqual([
      ['a', true],
      ['b', false],
      ['c', true],
    ]);
    expect(hooks.counters.payloadsOmitted).toBe(1);
    expect(reports).toEqual(['100 bytes of messages wait with their notices: others go without their message']);
  });
});

describe('trouble', () => {
  test('5xx is tried again: the same id and body, a new signature where the second has changed', async () => {
    const to = await receiver();
    to.behave((response, index) => void response.writeHead(index < 4 ? 500 : 200).end('thanks'));
    const { hooks } = hooksTo(to.url);
    withTracker(hooks).reject();
    const received = await to.arrived(4);
    expect(new Set(received.map((each) => each.headers['webhook-id'])).size).toBe(1);
    expect(new Set(received.map((each) => each.body)).size).toBe(1);
    for (const each of received) expect(verifies(each, SECRET)).toBe(true);
    await soon(() => expect(hooks.counters.requests.failed).toMatchObject({ failed: 3, delivered: 1 }));
    balance(hooks);
  });

  test('a receiver that never gets better: given up after the last try, counted and reported', async () => {
    const to = await receiver();
    to.behave(status(502));
    const { hooks, reports } = hooksTo(to.url, { tries: 3 });
    withTracker(hooks).reject();
    await soon(() => expect(hooks.counters.dropped.exhausted).toBe(1));
    expect(to.received).toHaveLength(3);
    expect(reports).toEqual(['a notice was given up after 3 tries: HTTP 502']);
    expect(hooks.waiting).toBe(0);
  });

  test.each([400, 401, 404, 410, 301])('an answer that will not change ends the notice: %i', async (code) => {
    const to = await receiver();
    to.behave(status(code, { location: '/elsewhere' }));
    const { hooks, reports } = hooksTo(to.url);
    withTracker(hooks).reject();
    await soon(() => expect(hooks.counters.dropped.refused).toBe(1));
    expect(to.received).toHaveLength(1);
    expect(reports).toEqual([`the receiver refused a notice: HTTP ${code}`]);
    expect(hooks.breaker.state).toBe('closed');
  });

  test('Retry-After holds everything back', async () => {
    const to = await receiver();
    to.behave((response, index) => void response.writeHead(index === 1 ? 429 : 204, { 'retry-after': '1' }).end());
    const { hooks } = hooksTo(to.url, { concurrency: 1 });
    const { reject } = withTracker(hooks);
    reject(2);
    const received = await to.arrived(3);
    expect(received[1]!.at - received[0]!.at).toBeGreaterThanOrEqual(950);
    await soon(() => expect(hooks.counters.delivered).toBe(2));
  });

  test('a receiver that never answers: time-out, tried again', async () => {
    const to = await receiver();
    to.hold();
    const { hooks } = hooksTo(to.url, { timeoutMs: 100, tries: 1000 });
    withTracker(hooks).reject();
    await to.arrived(2);
    expect(hooks.counters.requests.failed.timeout).toBeGreaterThanOrEqual(1);
    to.release();
    await soon(() => expect(hooks.counters.delivered).toBe(1));
  });

  test('an answer whose body never ends counts as it began', async () => {
    const to = await receiver();
    to.behave((response) => void response.writeHead(200).write('…'));
    const { hooks } = hooksTo(to.url, { timeoutMs: 1000 });
    withTracker(hooks).reject();
    await soon(() => expect(hooks.counters.delivered).toBe(1));
    expect(to.received).toHaveLength(1);
  });

  test('nobody listens, then somebody does', async () => {
    const port = await freePort();
    const { hooks } = hooksTo(`http://127.0.0.1:${port}/`, { tries: 1000 });
    withTracker(hooks).reject();
    await soon(() => expect(hooks.counters.requests.failed.failed).toBeGreaterThan(2));
    const to = await startReceiver(port);
    ends.push(() => to.close());
    await to.arrived(1);
    await soon(() => expect(hooks.counters.delivered).toBe(1));
  });

  test('the breaker: after failures in a row nothing is sent for a while, then one request, then all', async () => {
    const to = await receiver();
    to.behave(status(500));
    const { hooks, reports } = hooksTo(to.url, {
      breakerFailures: 3,
      breakerCooldownMs: 100,
      concurrency: 1,
      tries: 100,
    });
    const { reject } = withTracker(hooks);
    reject(10);
    await soon(() => expect(hooks.breaker).toMatchObject({ state: 'open', opened: 1 }));
    expect(to.received).toHaveLength(3);
    expect(reports).toEqual(['notices are not getting through: HTTP 500; nothing is sent for 100 ms']);
    const opened = to.received[2]!.at;
    to.behave(status(204));
    await to.arrived(13);
    expect(to.received[3]!.at - opened).toBeGreaterThanOrEqual(95);
    await soon(() => expect(hooks.counters.delivered).toBe(10));
    expect(hooks.breaker.state).toBe('closed');
  });
});

describe('never in the way', () => {
  test('[D7] the queue is bounded, LOW gives way first, and a mass time-out is one line', async () => {
    const to = await receiver();
    to.hold();
    const { hooks, reports } = hooksTo(to.url, { queue: 100 });
    const low = withTracker(hooks, { priority: 'low' });
    low.reject(5000);
    expect(hooks).toMatchObject({ waiting: 80, counters: { dropped: { queue_full: 4920 } } });
    const critical = withTracker(hooks, { priority: 'critical' });
    critical.reject(5000);
    expect(hooks).toMatchObject({ waiting: 100, counters: { dropped: { queue_full: 9900 } } });
    expect(hooks.reemit!(critical.track('x'), critical.start)).toBe('blocked');
    expect(reports).toEqual(['the notice queue is full: 80 wait, others are dropped']);
    balance(hooks);
    to.release();
    await soon(() => expect(hooks.counters.delivered).toBe(100));
    balance(hooks);
  });

  test('[D8] nothing is built or sent in the tracker’s own turn, and few requests run at a time', async () => {
    const to = await receiver();
    to.hold();
    const { hooks } = hooksTo(to.url, { concurrency: 3 });
    withTracker(hooks).reject(50);
    expect(hooks.waiting).toBe(50);
    await to.arrived(3);
    expect(to.received).toHaveLength(3);
    to.release();
    await soon(() => expect(hooks.counters.delivered).toBe(50));
    expect(to.most).toBe(3);
  });
});

describe('stopping', () => {
  test('[D10] what waits is sent within the grace', async () => {
    const to = await receiver();
    const { hooks } = hooksTo(to.url);
    const { tracker, track, start } = withTracker(hooks);
    for (let i = 0; i < 20; i++) track(`e-${i}`);
    tracker.shutdown(start + 10);
    await hooks.stop(10_000);
    expect(to.events().map((event) => event.data.error_type)).toEqual(new Array(20).fill('shutdown'));
    expect(hooks).toMatchObject({ waiting: 0, counters: { delivered: 20 } });
  });

  test('[D10] a receiver that does not answer is not waited for beyond it; nothing is taken in any more', async () => {
    const to = await receiver();
    to.hold();
    const { hooks, reports } = hooksTo(to.url, { concurrency: 2, breakerFailures: 1 });
    const { reject, track, start } = withTracker(hooks);
    reject(10);
    await to.arrived(2);
    const stopped = hooks.stop(50);
    expect(hooks.stop(50)).toBe(stopped);
    reject(1);
    expect(hooks.reemit!(track('x'), start)).toBe('blocked');
    await stopped;
    expect(hooks).toMatchObject({ waiting: 0, counters: { delivered: 0, dropped: { shutdown: 12 } } });
    expect([hooks.breaker.state, reports]).toEqual([
      'closed',
      ['12 notices were not delivered before the stop (the grace was over)'],
    ]);
    balance(hooks);
  });

  test('with only distant retries left there is nothing to wait for', async () => {
    const to = await receiver();
    to.behave(status(503, { 'retry-after': '3600' }));
    const { hooks, reports } = hooksTo(to.url);
    withTracker(hooks).reject();
    await soon(() => expect(hooks.counters.requests.failed.failed).toBe(1));
    // A stop that waited would outlast the test.
    await hooks.stop(290_000);
    expect(hooks.counters.dropped.shutdown).toBe(1);
    expect(reports).toEqual(['1 notice was not delivered before the stop (the receiver: HTTP 503)']);
  });

  test('a notice that cannot be built gives its place back and is told; the others go on', async () => {
    const to = await receiver();
    const { hooks, reports } = hooksTo(to.url);
    const { track, reject, start } = withTracker(hooks);
    const broken = track('broken');
    Object.defineProperty(broken, 'sentAt', { value: Number.NaN });
    hooks.reemit!(broken, start);
    await soon(() => expect(reports).toHaveLength(1));
    reject(1);
    await soon(() => expect(hooks.counters.delivered).toBe(1));
    expect(hooks).toMatchObject({ waiting: 0, counters: { noticed: 2, dropped: { unsendable: 1 } } });
    expect(reports).toEqual(['a notice could not be sent: Invalid time value']);
    balance(hooks);
  });
});
