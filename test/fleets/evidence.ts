// fleets: what all instances and the collector of spans have of each event, and the story of one.
import type { ReceivedSpan } from '../support/otlp-decode.ts';
import type { Client } from './client.ts';
import type { Diary } from './diary.ts';
import type { FleetInstance, Step } from './instance.ts';
import type { End, Fate } from './judge.ts';

/** Told before and behind a violation, ms. */
const [BEFORE_MS, AFTER_MS] = [6000, 1500];

export interface Evidence {
  /** By event id. */
  readonly fates: ReadonlyMap<string, Fate>;
  /** What happened around an event, with a first line that says what is wrong with it. */
  ofEvent(id: string, what: string): string;
  /** What happened to a client around a moment. */
  ofClient(client: Client, what: string, at: number): string;
}

interface Sources {
  readonly instances: readonly FleetInstance[];
  readonly spans: readonly ReceivedSpan[];
  readonly clients: readonly Client[];
  /** When the backend sent each event, wall clock. */
  readonly sentAt: ReadonlyMap<string, number>;
  readonly diary: Diary;
}

export function gather({ instances, spans, clients, sentAt, diary }: Sources): Evidence {
  const begun = new Map<string, string[]>();
  /** Sessions of each user, and deliveries of each event. */
  const [sessions, deliveries] = [new Map<string, Set<string>>(), new Map<string, Set<string>>()];
  for (const instance of instances) {
    for (const step of instance.steps()) {
      const { session, delivery, event } = step as Step & Record<'session' | 'delivery' | 'event', string>;
      const about = delivery ?? session ?? String(step.user);
      diary.note(about, instance.name, textOf(step), step.wall);
      if (step.step !== 'tracked') continue;
      push(begun, event, instance.name);
      add(sessions, userOf(event), session);
      add(deliveries, event, delivery);
    }
  }
  const ends = endsBy(spans);
  const handed = new Map(clients.flatMap(({ handedAt }) => [...handedAt]));
  const fates = new Map<string, Fate>();
  for (const id of sentAt.keys())
    fates.set(id, { begun: begun.get(id) ?? [], ends: ends.get(id) ?? [], handed: handed.has(id) });
  return {
    fates,
    ofEvent(id, what) {
      const fate = fates.get(id)!;
      const said = fate.ends.map(({ instance, outcome }) => `${outcome} (${instance})`).join(', ');
      const came = handed.has(id) ? 'handed over' : 'not handed over';
      const times = [sentAt.get(id), handed.get(id), ...fate.ends.map(({ at }) => at)].filter((at) => at !== undefined);
      const user = userOf(id);
      const about = [user, ...(sessions.get(user) ?? []), ...(deliveries.get(id) ?? [])];
      const story = diary.story(about, Math.min(...times) - BEFORE_MS, Math.max(...times) + AFTER_MS);
      return [`${id} ${what}: ${said || 'none'}; read by ${fate.begun}; ${came}`, ...story].join('\n  ');
    },
    ofClient({ user }, what, at) {
      const story = diary.story([user, ...(sessions.get(user) ?? [])], at - BEFORE_MS, at + AFTER_MS);
      return [`${user} ${what}`, ...story].join('\n  ');
    },
  };
}

/** Event ids are `user-number`. */
const userOf = (id: string): string => id.slice(0, id.indexOf('-'));

function textOf({ step, wall: _, session: __, ...rest }: Step): string {
  const members = Object.entries(rest).filter(([name, value]) => name !== 'at' && value !== '');
  return [step, ...members.map(([name, value]) => `${name}=${value}`)].join(' ');
}

/** The outcomes of each event, over the spans of all instances. */
function endsBy(spans: readonly ReceivedSpan[]): Map<string, End[]> {
  const ends = new Map<string, End[]>();
  for (const { name, attributes, resource, endNs } of spans) {
    if (!name.startsWith('send ')) continue;
    const why = attributes['error.type'] ?? attributes['ackspan.delivery.unverifiable_reason'];
    const outcome = [attributes['ackspan.delivery.outcome'], why].filter(Boolean).join(': ');
    push(ends, String(attributes['messaging.message.id']), {
      ...{ instance: String(resource.fleet), outcome, at: Number(endNs / 1_000_000n) },
    });
  }
  return ends;
}

function push<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key) ?? [];
  map.set(key, list);
  list.push(value);
}

function add(map: Map<string, Set<string>>, key: string, value: string): void {
  const set = map.get(key) ?? new Set();
  map.set(key, set);
  set.add(value);
}
