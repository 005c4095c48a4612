// Simulation: old behaviours of the delivery core and its clocks: what confirms too much, and what is lost for nothing.

import { Connection } from '../../src/connection/connection.ts';
import { EventPath } from '../../src/connection/event-path.ts';
import { Confirmations } from '../../src/delivery/confirmations.ts';
import type { EarlyConfirmation } from '../../src/delivery/early.ts';
import { Ending } from '../../src/delivery/ending.ts';
import type { Goodbye } from '../../src/delivery/goodbye.ts';
import { ObscuredSessions } from '../../src/delivery/obscured.ts';
import type { Delivery, EventFacts } from '../../src/delivery/record.ts';
import type { Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import type { EndedBy, Leave } from '../../src/relay/tap.ts';
import { FanOut } from '../../src/store/event-table.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { now } from '../../src/time/clock.ts';
import { type Method, type Revert, replace } from './revert.ts';
import { parts } from './sut.ts';

/** The open deliveries of each tracker's sessions by event, as the old code saw them. */
const sent = new WeakMap<Session, Map<string, { newest: number; type: number }>>();
const sessions = new Map<string, Set<Session>>();

type Track = (
  this: Tracker,
  session: Session,
  facts: EventFacts,
  ordinal: number,
  sentAt: number,
  at?: number,
) => Delivery | undefined;
type Processed = (this: Tracker, session: Session, id: string, rejected: boolean, error: string, at: number) => unknown;

function noteSent(): void {
  replace(Tracker.prototype, 'track', (old) => {
    const track: Track = function (session, facts, ordinal, sentAt, at) {
      const events = sent.get(session) ?? new Map();
      sent.set(session, events);
      if (facts.id !== undefined) {
        events.set(facts.id, { newest: ordinal, type: facts.type.index });
        const key = `${session.user} ${facts.id}`;
        const all = sessions.get(key) ?? new Set();
        sessions.set(key, all.add(session));
      }
      return (old as Track).call(this, session, facts, ordinal, sentAt, at);
    };
    return track as Method;
  });
}

/** Changes what the tracker is told of how a client was parted from. */
function parting(change: (goodbye: Goodbye) => Goodbye): void {
  type Disconnected = (
    this: Tracker,
    session: Session,
    at: number,
    why?: 'disconnected' | 'shutdown',
    goodbye?: Goodbye,
  ) => void;
  track('disconnected', (old) => {
    const disconnected: Disconnected = function (session, at, why, goodbye) {
      (old as Disconnected).call(this, session, at, why, goodbye && change(goodbye));
    };
    return disconnected;
  });
}

/** Calls something else in the place of a method of the tracker. */
function track(name: string, make: (old: Method) => (this: Tracker, ...args: never[]) => unknown): void {
  replace(Tracker.prototype, name, (old) => make(old) as Method);
}

export const DELIVERY: readonly Revert[] = [
  {
    name: '[D13] a word by event id proves receipt up to the newest twin',
    shows: /^false confirm: confirmed .*the word of its own client/,
    apply() {
      noteSent();
      track('processed', (old) => {
        const processed: Processed = function (session, id, rejected, error, at) {
          const known = sent.get(session)?.get(id);
          const result = (old as Processed).call(this, session, id, rejected, error, at);
          if (known !== undefined) this.received(session, known.newest, at);
          return result;
        };
        return processed;
      });
    },
  },
  {
    name: "[D6] a word of another tab proves receipt in all of the user's tabs",
    shows: /^false confirm: confirmed .*another client/,
    apply() {
      noteSent();
      track('processed', (old) => {
        const processed: Processed = function (session, id, rejected, error, at) {
          if (session.user !== undefined)
            for (const other of sessions.get(`${session.user} ${id}`) ?? [])
              if (other !== session && other.link !== undefined)
                this.received(other, sent.get(other)!.get(id)!.newest, at);
          return (old as Processed).call(this, session, id, rejected, error, at);
        };
        return processed;
      });
    },
  },
  {
    name: '[D13] what has left the history is forgotten',
    shows: /^false confirm: confirmed .*the word of its own client/,
    apply() {
      parts.createMemoryStore = ({ history }) => createMemoryStore({ history, remembers: false });
    },
  },
  {
    name: '[D13] an event of an earlier connection is a new one on the next',
    shows: /^false confirm: confirmed .*the word of its own client/,
    apply() {
      replace(FanOut.prototype, 'mayHaveReached', () => () => false);
    },
  },
  {
    name: '[D13] an event that was shed is forgotten',
    shows: /^false confirm: confirmed .*the word of its own client/,
    apply() {
      parts.createMemoryStore = (options) => Object.assign(createMemoryStore(options), { passed() {} });
    },
  },
  {
    name: '[D14] time-outs are looked for before the sockets are read',
    shows: /^false loss: timeout/,
    apply() {
      const ticking = new WeakSet<Tracker>();
      track('track', (old) => {
        const track: Track = function (session, facts, ordinal, sentAt, at) {
          const delivery = (old as Track).call(this, session, facts, ordinal, sentAt, at);
          const tick = (): void => {
            this.tick(now());
            if (this.waiting > 0) setTimeout(tick, 25);
            else ticking.delete(this);
          };
          if (!ticking.has(this)) setTimeout(tick, 25);
          ticking.add(this);
          return delivery;
        };
        return track;
      });
    },
  },
  {
    name: '[D14] time in which the process stood still counts',
    shows: /^false loss: timeout/,
    apply() {
      track('stoodStill', () => () => {});
    },
  },
  {
    name: '[D14] a client that is not read for its backend times out all the same',
    shows: /^false loss: timeout/,
    apply() {
      replace(Connection.prototype, 'blind', () => () => false);
    },
  },
  {
    name: '[D15] whoever closes in good order right behind a message has lost it',
    shows: /^reason: failed \(disconnected\), but its client had closed in good order/,
    apply() {
      type Disconnected = (this: Tracker, session: Session, at: number, why?: 'disconnected' | 'shutdown') => void;
      track('disconnected', (old) => {
        const disconnected: Disconnected = function (session, at, why) {
          (old as Disconnected).call(this, session, at, why);
        };
        return disconnected;
      });
    },
  },
  {
    name: '[D15] whoever closes in good order is excused for all that it ever left unanswered',
    shows: /^reason: unverifiable \(client_left\), but it was sent long before/,
    apply() {
      parting((goodbye) => ({ ...goodbye, since: 0 }));
    },
  },
  {
    name: '[D24] a Close frame before the word of the application makes a loss of what its client has',
    shows: /^reason: failed \(disconnected\), but its client had it, and was closed upon/,
    apply() {
      parting((goodbye) => ({ ...goodbye, through: 0 }));
    },
  },
  {
    name: '[D24] a deadline makes a loss of what its client had, and was closed upon before it could say more',
    shows: /^reason: timeout.*, but its client had it, and was closed upon/,
    apply() {
      replace(
        Ending.prototype,
        'part',
        (old) =>
          function (this: Ending, delivery: Delivery, why: string, goodbye: Goodbye | undefined, at: number) {
            old.apply(this as never, [delivery, why, why === 'expired' ? undefined : goodbye, at] as never[]);
          } as Method,
      );
    },
  },
  {
    name: '[D24] a client that complains loses what it had, too',
    shows: /^reason: failed \(disconnected\), but its client had it, and was closed upon/,
    apply() {
      replace(EventPath.prototype, 'clientOver', (old) => {
        type Over = (this: EventPath, by: EndedBy, code: number, leave: Leave, at: number) => void;
        const over: Over = function (by, code, leave, at) {
          (old as Over).call(this, by, code, leave === 'complained' ? 'vanished' : leave, at);
        };
        return over as Method;
      });
    },
  },
  {
    name: '[W22] a Close frame does not wait for the words of the application',
    shows: /^reason: unverifiable \(closed\), but the Close frame did not wait for the word/,
    apply() {
      replace(EventPath.prototype, 'wordsDue', () => (() => false) as Method);
    },
  },
  {
    name: '[D16] what comes when the client has gone is nobody knows what',
    shows: /^reason: unverifiable \(never_answered\), but its client had gone/,
    apply() {
      track(
        'unsent',
        () =>
          function (this: Tracker, ...args: never[]) {
            (this.lost as Method).apply(this as never, args);
          },
      );
    },
  },
  {
    name: '[D17] an application that has confirmed a type must confirm it from then on',
    shows: /^false loss: .*pong/,
    apply() {
      noteSent();
      const confirmed = new WeakMap<Session, Set<number>>();
      track('processed', (old) => {
        const processed: Processed = function (session, id, rejected, error, at) {
          const known = sent.get(session)?.get(id);
          if (known !== undefined) confirmed.set(session, (confirmed.get(session) ?? new Set()).add(known.type));
          return (old as Processed).call(this, session, id, rejected, error, at);
        };
        return processed;
      });
      track('track', (old) => {
        const track: Track = function (session, facts, ordinal, sentAt, at) {
          const { type } = facts;
          const learned = type.policy.confirm === 'auto' && confirmed.get(session)?.has(type.index) === true;
          const policy = { ...type.policy, confirm: 'processed' as const };
          const asked = learned ? { ...facts, type: { ...type, policy } } : facts;
          return (old as Track).call(this, session, asked, ordinal, sentAt, at);
        };
        return track;
      });
    },
  },
  {
    name: '[R6] a confirmed copy ends nothing but itself',
    shows: /^false loss: .*the copy that the backend was asked for had been confirmed/,
    apply() {
      type Settle = (this: Ending, ...args: never[]) => void;
      replace(Ending.prototype, 'settle', (old) => {
        const settle: Settle = function (...args) {
          const { reemitted } = this;
          this.reemitted = 0;
          (old as Settle).apply(this, args);
          this.reemitted = reemitted;
        };
        return settle as Method;
      });
    },
  },
  {
    name: '[D13] a word over the next connection is about no message that nobody could read',
    shows: /^false confirm: .*the word of its own client on its event|^false confirm: .*had not said so/,
    apply() {
      replace(ObscuredSessions.prototype, 'begun', () => () => {});
    },
  },
  {
    name: '[D3] [D13] a word means the first message that waits, whatever else it can mean and when',
    shows: /^false (?:confirm|loss): .*(?:had not said so|confirmation of)/,
    apply() {
      type Claim = (this: Confirmations, session: Session, delivery: Delivery, at: number) => number;
      replace(Confirmations.prototype, 'claim', () => {
        const claim: Claim = function (session, delivery, at) {
          const { early = [] } = session;
          const fits = ({ eventId, cameAt, claimed }: EarlyConfirmation) =>
            !claimed && eventId === delivery.eventId && cameAt >= delivery.sentAt;
          const index = early.findIndex(fits);
          if (index < 0) return 0;
          const [word] = early.splice(index, 1);
          return this.apply(session, word!.eventId, word!.rejected, word!.error, at)[1];
        };
        return claim as Method;
      });
    },
  },
];
