// Joined tool calls under random traffic: the table that is used again and again answers as the plain rule does.
import { expect, it } from 'vitest';
import { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import type { SharedCall } from '../../src/telemetry/agents/namesakes.ts';
import { SameCalls } from '../../src/telemetry/agents/same-calls.ts';
import { ToolCall } from '../../src/telemetry/agents/tool-calls.ts';
import { type Chance, chosenSeed, withSeed } from '../support/chance.ts';
import { T0 } from './deliveries.ts';
import { PlainSameCalls } from './same-calls-reference.ts';
import { typeOf } from './tool-stories.ts';

const LONG = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6';

/** Few values, so that names repeat; some are long, and some hold what would separate others. */
const IDS = ['', '', 'a', 'b', 'a\u0000', '\u0000a', LONG, `${LONG}b`];

interface Traffic {
  readonly limit: number;
  /** Ids of events, and those of runs and calls. */
  readonly ids: readonly string[];
  readonly others: readonly string[];
  readonly sessions: readonly Session[];
  /** The longest pause between two steps, ms. */
  readonly pauseMs: number;
}

function sessionOf(key: string, user?: string, claimed?: string): Session {
  const session = new Session(key, new Owner(user));
  session.claimedUser = claimed;
  return session;
}

const someSessions = () => [
  ...['1', '2', 'a'].map((key) => sessionOf(key)),
  sessionOf('3', 'ann'),
  sessionOf('4', 'ann'),
  sessionOf('5', undefined, 'ann'),
  // A user and a session that are spelled alike are two scopes.
  sessionOf('6', '1'),
];

function start(chance: Chance, { ids, others, sessions }: Traffic, at: number): [ToolCall, Delivery] {
  const id = chance.of(ids);
  const facts = {
    ...{ type: typeOf('tool_executing'), id: id === '' ? undefined : id, run: chance.of(others), user: undefined },
    ...{ tool: chance.of(['x', 'y']), toolCall: chance.of(others), traceparent: undefined, bytes: 10 },
  };
  const delivery = new Delivery(1, chance.of(sessions), 1, facts, 'received', at);
  return [new ToolCall(delivery), delivery];
}

/** Plays the same steps to both, and compares every answer. Returns how many starts were joined. */
function play(chance: Chance, traffic: Traffic, steps: number): number {
  const [table, plain] = [new SameCalls(traffic.limit), new PlainSameCalls(traffic.limit)];
  const open: [SharedCall, ReturnType<PlainSameCalls['join']>][] = [];
  let joined = 0;
  let now = T0;
  for (let step = 0; step < steps; step++) {
    now += chance.next() * traffic.pauseMs;
    const what = chance.next();
    if (what < 0.55) {
      const [call, delivery] = start(chance, traffic, now);
      const [shared, expected] = [table.join(call, delivery), plain.join(call, delivery)];
      expect([shared.startedAt, shared.open, shared.told]).toEqual([expected.startedAt, expected.open, expected.told]);
      if (expected.startedAt < now) joined++;
      open.push([shared, expected]);
    } else if (what < 0.95 && open.length > 0) {
      const [[shared, expected]] = open.splice(chance.between(0, open.length - 1), 1) as [(typeof open)[0]];
      const ended = chance.next() < 0.7;
      expect(shared.startedAt).toBe(expected.startedAt);
      expect(shared.over(ended)).toBe(plain.over(expected, ended));
    } else {
      table.tick(now);
      plain.tick(now);
    }
    expect(table.size).toBe(plain.size);
  }
  return joined;
}

it('random starts and ends of few names, over which calls go on and names give way, are joined as the rule says', () =>
  withSeed(chosenSeed(), async (chance) => {
    let joined = 0;
    for (let n = 0; n < 60; n++) {
      // Where events have no ids, calls of few names follow each other for long.
      const [ids, others] = chance.of([[IDS, IDS] as const, [[''], ['r']] as const]);
      const sessions = someSessions().slice(0, chance.of([2, 7]));
      const traffic = { limit: chance.of([1, 3, 20, 1000]), ids, others, sessions };
      joined += play(chance, { ...traffic, pauseMs: chance.of([10, 500, 4000]) }, 400);
    }
    expect(joined).toBeGreaterThan(0);
  }));

it('more names than the table began with keep their calls apart, while they come, go and come again', () =>
  withSeed(chosenSeed(), async (chance) => {
    const ids = Array.from({ length: 150 }, (_, n) => (n % 2 === 0 ? `${n}` : `${LONG}-${n}`));
    const traffic = { limit: 700, ids, others: [''], sessions: someSessions(), pauseMs: 12 };
    expect(play(chance, traffic, 5000)).toBeGreaterThan(0);
  }));

it('calls of one event that differ in run, tool, call or scope have one hash, and are never one call', () => {
  const table = new SameCalls(1000);
  const starts = new Set<SharedCall>();
  let count = 0;
  for (const session of someSessions().slice(0, 3))
    for (const run of ['', 'r', 'q'])
      for (const tool of ['', 'x', 'y'])
        for (const toolCall of ['', '1', '2']) {
          const facts = { type: typeOf('tool_executing'), id: 'e', run, user: undefined, tool, toolCall };
          const delivery = new Delivery(1, session, 1, { ...facts, traceparent: undefined, bytes: 1 }, 'received', T0);
          starts.add(table.join(new ToolCall(delivery), delivery));
          count++;
        }
  expect([starts.size, table.size]).toEqual([count, count]);
});

it('a call that goes on after its name was given up is not the call of the next name', () => {
  const table = new SameCalls(1);
  const join = (id: string, at: number): SharedCall => {
    const facts = { type: typeOf('tool_executing'), id, run: undefined, user: undefined, tool: 'x' };
    const more = { toolCall: undefined, traceparent: undefined, bytes: 1 };
    const delivery = new Delivery(1, sessionOf('1'), 1, { ...facts, ...more }, 'received', at);
    return table.join(new ToolCall(delivery), delivery);
  };
  const first = join('a', T0);
  const second = join('b', T0 + 1);
  expect([first.startedAt, first.open, first.over(true)]).toEqual([T0, 1, true]);
  expect([second.startedAt, second.open, second.told, second.over(true)]).toEqual([T0 + 1, 1, false, true]);
});
