// The watching side as the sidecar builds it: agents are watched by the configuration, and their sessions' ends are told.
import { afterEach, expect, it } from 'vitest';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createFrontCounters } from '../../src/front/counters.ts';
import { RelayCounters } from '../../src/relay/tap.ts';
import { startWatch, type Watch } from '../../src/sidecar/observe.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { now } from '../../src/time/clock.ts';
import { parseExposition, valueIn } from '../support/exposition.ts';
import { NO_CLAIM } from '../support/upgrades.ts';

let watch: Watch | undefined;

afterEach(async () => {
  await watch?.shutdown(1000);
});

const LIMITS = {
  connections: 1,
  connectionsPerUser: 2,
  pending: 3,
  pendingPerUser: 4,
  retainedBytes: 5,
  inFlightBytes: 1000,
  messageBytes: 6,
};

async function start(agents: boolean) {
  const decoder = createDecoder(DEFAULT_DECODE_OPTIONS);
  const reader = decoder.open(NO_CLAIM);
  const relay = new RelayCounters();
  watch = await startWatch({
    counters: { relay, front: createFrontCounters() },
    decoder,
    inFlight: { each() {}, latest: () => 0 },
    limits: LIMITS,
    memory: { bound: 5000, used: 0.5 },
    unread: { binary: 0, too_large: 0, unreadable: 0, superseded: 0 },
    silent: { cut: 0 },
    tracing: {
      keepConfirmed: 1,
      slowMs: 1000,
      events: 'span',
      userHashKey: undefined,
      peerAddress: false,
      pendingAfterMs: 0,
    },
    ...(agents && {
      agents: {
        tools: { start: ['tool_executing'], end: ['tool_completed'], orphanAfterMs: 60_000, limit: 10 },
        runs: { start: ['agent_started'], step: [], end: ['agent_completed'], silentAfterMs: 60_000, limit: 10 },
      },
    }),
    serviceName: 'a',
    version: '0',
    serverPort: 1,
    now,
    report: ({ error }) => expect.fail(String(error)),
    log: { debug() {}, warn() {} },
  });
  const store = createMemoryStore({ history: 10 });
  const limits = { pending: 100, pendingPerUser: 100 };
  const tracker = new Tracker({ store, observer: watch.observer, limits, now: now(), random: Math.random });
  const session = new Session('s', new Owner(undefined));
  let ordinal = 0;
  const sent = (message: object): void => {
    const bytes = Buffer.from(JSON.stringify(message));
    tracker.track(session, reader.event(bytes, 0, bytes.length)!, ++ordinal, now());
  };
  const scrape = async () => parseExposition(String((await watch!.scrape('')).body), 'text');
  return { sent, scrape, session, decoder, reader, relay };
}

it('tool calls and runs are counted, and end with their session', async () => {
  const { sent, scrape, session } = await start(true);
  sent({ type: 'agent_started', run_id: 'r' });
  sent({ type: 'tool_executing', run_id: 'r', tool_name: 'search' });
  sent({ type: 'tool_completed', run_id: 'r', tool_name: 'search' });
  sent({ type: 'tool_executing', run_id: 'r', tool_name: 'search' });
  watch!.sessionEnded(session);
  const seen = await scrape();
  expect(valueIn(seen, 'ackspan_tool_duration_seconds_count', { tool: 'search' })).toBe(1);
  expect(valueIn(seen, 'ackspan_tool_orphaned_total', { tool: 'search' })).toBe(1);
  expect(valueIn(seen, 'ackspan_order_violations_total', { kind: 'missing_end' })).toBe(1);
});

it('without a word about agents nothing of theirs is watched', async () => {
  const { sent, scrape } = await start(false);
  sent({ type: 'tool_executing', run_id: 'r', tool_name: 'search' });
  expect([...(await scrape()).keys()].filter((name) => /tool|order/.test(name))).toEqual([]);
});

it('[D7] [D21] what is kept of messages under way, memory, and messages without an event stand beside their limits', async () => {
  const { scrape, decoder, reader, relay } = await start(false);
  relay.collectedBytes = 250;
  for (const text of ['hello', '[1]', '{"a":1}', '[2]']) reader.event(Buffer.from(text), 0, text.length);
  decoder.unreadable('binary');
  const seen = await scrape();
  const value = (name: string, labels = {}) => valueIn(seen, `ackspan_${name}`, labels);
  expect([value('relay_in_flight_bytes'), value('relay_in_flight_limit_bytes')]).toEqual([250, 1000]);
  expect([value('memory_used_ratio'), value('memory_limit_bytes')]).toEqual([0.5, 5000]);
  const kinds = ['text', 'array', 'json', 'binary'].map((kind) => value('decode_unread_total', { kind }));
  expect(kinds).toEqual([1, 2, 1, 1]);
});
