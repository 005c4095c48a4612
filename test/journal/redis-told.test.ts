// What Redis is told of deliveries: the same text as JSON.stringify makes, and after any history what is in flight and nothing else.
import { expect, it } from 'vitest';
import { type Delivery, isSettled } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { DeliveryText } from '../../src/journal/redis/delivery-text.ts';
import type { Outbox } from '../../src/journal/redis/outbox.ts';
import type { Arg } from '../../src/journal/redis/resp.ts';
import { RedisScribe } from '../../src/journal/redis/scribe.ts';
import { deliveryEntry, deliveryState } from '../../src/journal/snapshot.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { eventType, FakeLink, facts } from '../delivery/harness.ts';
import { type Chance, chosenSeed, withSeed } from '../support/chance.ts';

const TEXTS = [
  '',
  'plain',
  'sp ace',
  '"',
  '\\',
  '/',
  '\u0000',
  '\u001f\n',
  '\u007f',
  'é€',
  '\u{1f600}',
  '\ud800',
  '<>&',
];
const TEXTS_OR_NONE = [...TEXTS, undefined];

it('the text of a delivery is byte for byte the JSON of its entry, whatever stands in it', async () => {
  await withSeed(chosenSeed(), async (chance) => {
    const some = (): string => chance.of(TEXTS) + chance.of(TEXTS);
    const any = (): string | undefined => chance.of(TEXTS_OR_NONE);
    const wallOf = (at: number): number => at + 1_750_000_000_000.25;
    for (let round = 0; round < 300; round++) {
      const session = new Session(some(), new Owner(any()), some());
      const texts = new DeliveryText(session);
      const store = createMemoryStore({ history: 1 });
      const limits = { pending: 9, pendingPerUser: 9 };
      const tracker = new Tracker({ store, observer: {}, limits, now: 0, random: () => 0.5 });
      for (let n = 1; n <= 4; n++) {
        // Any of them may change between two messages.
        if (chance.next() < 0.4) session.owner = new Owner(any());
        if (chance.next() < 0.4) session.capability = chance.of(['none', 'received', 'processed']);
        session.link = chance.of([undefined, Object.assign(new FakeLink(), { id: some() }), session.link]);
        const event = { ...facts(eventType(some(), 0), any()), run: any(), tool: any(), toolCall: any() };
        const found = { ...event, traceparent: any(), bytes: chance.between(0, 2 ** 40) };
        const delivery = tracker.track(session, found, n, chance.next() * 1e6)!;
        delivery.seq = chance.between(1, 2 ** 53 - 1);
        delivery.binary = chance.next() < 0.3;
        expect(texts.of(delivery, wallOf)).toBe(JSON.stringify(deliveryEntry(delivery, wallOf)));
      }
    }
  });
});

it('after any history, Redis has what is in flight and nothing of what is over', async () => {
  await withSeed(chosenSeed(), async (chance) => {
    for (let round = 0; round < 60; round++) runHistory(chance);
  });
});

function runHistory(chance: Chance): void {
  const redis = new Map<string, string>();
  const set = (field: Arg, value: Arg) => void redis.set(String(field), Buffer.from(value as string).toString('hex'));
  const outbox = {
    ...{ open: true, full: false },
    together: (send: () => void) => send(),
    put(ledger) {
      const [pairs, ...args] = ledger.take();
      const end = Number(pairs) * 2;
      for (let i = 0; i < end; i += 2) set(args[i]!, args[i + 1]!);
      for (const field of args.slice(end)) redis.delete(String(field));
    },
    write(_, fields) {
      redis.clear();
      for (let i = 0; i < fields.length; i += 2) set(fields[i]!, fields[i + 1]!);
    },
    putOthers() {},
    release() {},
    end() {},
    hold() {},
  } satisfies Outbox as Outbox & { open: boolean; full: boolean };
  const letters = { settled: () => false, handOver() {} };
  const wallOf = (at: number): number => at + 0.5;
  const scribe = new RedisScribe({ outbox, letters, afterMs: 100, wallOf, eachOpen() {}, report() {} });
  const retention = { bytes: 4000, bytesPerSession: 4000, bytesPerUser: 4000 };
  const store = createMemoryStore({ history: 4 });
  const limits = { pending: 1000, pendingPerUser: 1000, retention };
  const tracker = new Tracker({ store, observer: scribe.steps, limits, now: 0, random: () => 0.5 });
  const type = eventType('seen', 0, { confirm: 'processed' });
  const session = new Session('s', new Owner('ann'));
  session.optedIn = session.resumable = true;
  session.link = new FakeLink();
  // What is told of a message says what its client had shown by then.
  session.capability = 'processed';
  scribe.opened(session);
  let now = 1;
  const steps: readonly (() => void)[] = [
    () => {
      const delivery = tracker.track(session, facts(type, `e${now % 5}`), ++session.lastOrdinal, now)!;
      const size = chance.between(0, 90);
      if (size > 9) tracker.retention.keep(delivery, size, () => Buffer.alloc(size, now));
      scribe.tracked(delivery);
    },
    () => scribe.counted(session, ++session.lastOrdinal),
    () => tracker.received(session, session.lastOrdinal - chance.between(0, 4), now),
    () => tracker.confirmations.through(session, session.lastOrdinal - chance.between(0, 6), now),
    () => tracker.rejected(session, session.lastOrdinal - chance.between(0, 6), 'no', now),
    () => release(chance.of([...(session.open?.values() ?? [undefined])])),
    () => scribe.handOver(session),
    () => scribe.look(now),
    () => scribe.heard(session, now),
    () => {
      outbox.full = !outbox.full;
    },
    () => void (chance.next() < 0.1 && scribe.startAnew()),
  ];
  const release = (delivery: Delivery | undefined): void => {
    if (delivery === undefined || isSettled(delivery)) return;
    tracker.retention.release(delivery);
    scribe.steps.changed!(delivery);
  };
  for (let n = chance.between(1, 80); n > 0; n--, now++) chance.of(chance.next() < 0.5 ? steps.slice(0, 1) : steps)();
  outbox.full = false;
  scribe.look(now);
  const open = [...(session.open?.values() ?? [])];
  const told = [...redis.keys()].filter((field) => /^[dmx]\d/.test(field)).sort();
  const touched = ({ receivedAt, seq }: Delivery) => receivedAt > 0 || redis.has(`x${seq}`);
  const fieldsOf = (each: Delivery): string[] => [
    `d${each.seq}`,
    ...(each.payload ? [`m${each.seq}`] : []),
    ...(touched(each) ? [`x${each.seq}`] : []),
  ];
  expect(told).toEqual(open.flatMap(fieldsOf).sort());
  const text = (field: string): string => Buffer.from(redis.get(field)!, 'hex').toString();
  expect(text('ordinal')).toBe(String(session.lastOrdinal));
  for (const each of open) {
    expect(text(`d${each.seq}`)).toBe(JSON.stringify(deliveryEntry(each, wallOf)));
    if (each.payload) expect(redis.get(`m${each.seq}`)).toBe(Buffer.from(each.payload).toString('hex'));
    if (redis.has(`x${each.seq}`)) expect(text(`x${each.seq}`)).toBe(JSON.stringify(deliveryState(each, wallOf)));
  }
}
