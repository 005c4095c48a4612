// hostile: strangers against the deliveries of victims, under one configuration of identity: identity, owners, decoder and tracker as the sidecar joins them.
import type { IncomingMessage } from 'node:http';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import type { EventType } from '../../src/delivery/policy.ts';
import type { Observer } from '../../src/delivery/ports.ts';
import { type Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { parseUpstream } from '../../src/front/upstream.ts';
import { createIdentity, type Identified, type IdentityOptions } from '../../src/identity/identity.ts';
import { createOwners } from '../../src/identity/owners.ts';
import { shownUpstream } from '../../src/sidecar/admission.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import type { Chance } from '../support/chance.ts';
import { letsIn } from './backend.ts';
import { type Forgery, forge, STRANGER, VICTIMS } from './forgeries.ts';

/** One way to configure identity. */
export interface Setting {
  readonly name: string;
  readonly sources: readonly string[];
  readonly options: Omit<IdentityOptions, 'sources' | 'timeoutMs' | 'jwtQuery'>;
  /** How a victim proves itself; undefined = nobody can. */
  readonly honest: ((user: string) => Forgery) | undefined;
}

export interface Outcome {
  readonly name: string;
  readonly tried: number;
  /**
   * Words of strangers that changed a delivery, and strangers that were taken for a victim. Must be
   * 0.
   */
  readonly accepted: number;
  /** Strangers that the backend let in, by what they were to us. */
  readonly strangers: {
    readonly asked: number;
    readonly letIn: number;
    readonly identified: number;
    readonly claimed: number;
  };
  /** Words of the victims over a second connection that counted: shows that the trial can tell. */
  readonly control: number;
}

const OPEN_PER_VICTIM = 64;
const WORDS = 100;
const PATIENT: EventType = {
  ...{ name: 'patient', index: 1, label: 'patient' },
  policy: { priority: 'normal', confirm: 'processed', timeoutMs: 1e12, attemptsMs: [] },
};
const UPSTREAM = parseUpstream('http://127.0.0.1:1').upstream!;

/** The request as node:http hands it on. */
function asIncoming({ url, rawHeaders }: Forgery): IncomingMessage {
  return { method: 'GET', url, rawHeaders, socket: { remoteAddress: '127.0.0.1' } } as unknown as IncomingMessage;
}

/** Counts what happens to deliveries. */
function createWitness() {
  const seen = { changes: 0 };
  const change = (): void => {
    seen.changes++;
  };
  const observer: Observer = {
    ...{ tracked() {}, attempted() {}, unmatched() {}, shed() {} },
    ...{ received: change, settled: change, upgraded: change, rejectedLater: change },
  };
  return { seen, observer };
}

/** Tries at least `tries` words. Everything follows from `chance`. */
export async function tryStrangers(setting: Setting, tries: number, chance: Chance): Promise<Outcome> {
  const { seen, observer } = createWitness();
  const store = createMemoryStore({ history: 1000 });
  const limits = { pending: 1e6, pendingPerUser: 1e6 };
  const tracker = new Tracker({ store, observer, limits, now: 1, random: chance.next });
  const reader = createDecoder(DEFAULT_DECODE_OPTIONS).open({ path: '/', subprotocol: undefined });
  const owners = createOwners({ connectionsPerUser: 1000 });
  const sources = setting.sources.map((text) => {
    const [from, name = ''] = text.split(':');
    return { from: from as 'jwt', name };
  });
  const identity = createIdentity(
    { ...setting.options, sources, jwtQuery: ['token', 'access_token', 'jwt'], timeoutMs: 60_000 },
    {
      now: () => 1,
      wall: Date.now,
      report: ({ error }) => {
        throw error;
      },
    },
  );
  const identify = (forgery: Forgery): Promise<Identified> | Identified =>
    identity.identify(shownUpstream(asIncoming(forgery), UPSTREAM));
  let sessions = 0;
  const begin = (owner: Owner): Session => new Session(`s-${++sessions}`, owner);
  /** What the backend says on a connection reaches `adopt` only where the source `event` proves. */
  const hears = (session: Session, who: Identified, user: string): void => {
    if (who.learn === 'user') owners.adopt(session, user, true);
  };

  const eventIds: string[] = [];
  const victims: { user: string; who: Identified; session: Session; begun: number }[] = [];
  for (const user of VICTIMS) {
    const who = await identify(setting.honest?.(user) ?? { url: '/ws', rawHeaders: ['Host', 'a'] });
    const session = begin(owners.acquire(who.user));
    hears(session, who, user);
    for (let n = 1; n <= OPEN_PER_VICTIM; n++) {
      const id = `${user}-${n}`;
      eventIds.push(id);
      const facts = {
        type: PATIENT,
        id,
        run: undefined,
        user,
        tool: undefined,
        toolCall: undefined,
        traceparent: undefined,
      };
      tracker.track(session, { ...facts, bytes: 100 }, n, 1, 1);
    }
    session.lastOrdinal = OPEN_PER_VICTIM;
    // Receipt is proven: only the owner stands between a stranger's word and the delivery (D6).
    tracker.received(session, OPEN_PER_VICTIM, 2);
    victims.push({ user, who, session, begun: OPEN_PER_VICTIM });
  }

  const say = (session: Session, text: string): boolean => {
    const buf = Buffer.from(text);
    const word = reader.confirmation(buf, 0, buf.length);
    if (word === undefined) return false;
    return !['unknown', 'foreign'].includes(tracker.processed(session, word.eventId, word.rejected, word.error, 3));
  };
  const tally = { asked: 0, letIn: 0, identified: 0, claimed: 0 };
  let tried = 0;
  let accepted = 0;
  const before = seen.changes;
  while (tried < tries) {
    const forgery = forge(chance);
    tally.asked++;
    const shown = shownUpstream(asIncoming(forgery), UPSTREAM);
    if (setting.options.trust === 'upstream' && !letsIn(shown, setting.sources, chance)) continue;
    tally.letIn++;
    const who = await identify(forgery);
    if (who.user !== undefined) tally.identified++;
    if (who.claimed !== undefined) tally.claimed++;
    const session = begin(owners.acquire(who.user));
    // The backend echoes whatever the stranger likes where events only claim, and names the
    // recipient where they prove.
    hears(session, who, setting.options.trust === 'upstream' ? STRANGER : chance.of(VICTIMS));
    if (session.user !== undefined && VICTIMS.includes(session.user)) accepted++;
    for (let n = 0; n < WORDS; n++, tried++) if (speak(session, chance, eventIds, say, tracker)) accepted++;
    owners.release(session.owner);
  }
  accepted += seen.changes - before;

  let control = 0;
  for (const { user } of victims) {
    const who = await identify(setting.honest?.(user) ?? { url: '/ws', rawHeaders: ['Host', 'a'] });
    const second = begin(owners.acquire(who.user));
    hears(second, who, user);
    if (say(second, `{"type":"event_confirmation","event_id":"${user}-1"}`)) control++;
  }
  return { name: setting.name, tried, accepted, strangers: tally, control };
}

/** One word; whether it was taken for something. */
function speak(
  session: Session,
  chance: Chance,
  eventIds: readonly string[],
  say: (session: Session, text: string) => boolean,
  tracker: Tracker,
): boolean {
  const id = chance.of(eventIds);
  const kind = chance.between(0, 9);
  if (kind === 0) return tracker.processedThrough(session, chance.between(1, 100), [], 3) !== 'unknown';
  if (kind === 1) return tracker.rejected(session, chance.between(1, 100), 'no', 3) !== 'unknown';
  const user = chance.of(VICTIMS);
  const extra = kind < 5 ? `,"user":"${user}","user_id":"${user}","session":"s-${chance.between(1, 4)}"` : '';
  const status = chance.of(['', ',"status":"confirmed"', ',"status":"failed","error":"no"', ',"status":"rejected"']);
  return say(session, `{"type":"event_confirmation","event_id":${JSON.stringify(id)}${status}${extra}}`);
}
