// Simulation: behaviours that were wrong once, to be switched on again at run time: each must make the simulation fail.
import { Ledger } from '../../src/client/ledger.ts';
import type { Delivery, EventFacts } from '../../src/delivery/record.ts';
import type { Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { UpstreamPings } from '../../src/relay/heartbeat.ts';
import { Inbound } from '../../src/relay/inbound.ts';
import type { Peer } from '../../src/relay/peer.ts';
import { SideReader } from '../../src/relay/side-reader.ts';
import { Splice } from '../../src/relay/splice.ts';
import { now } from '../../src/time/clock.ts';

/** One old behaviour. */
export interface Revert {
  readonly name: string;
  /** What of a failure's text (`kind: text`) shows that this was it. */
  readonly shows: RegExp;
  apply(): void;
}

type Method = (this: never, ...args: never[]) => unknown;

/** Puts a method in the place of another, which it is given; private ones included. */
function replace<T extends object>(prototype: T, name: string, make: (old: Method) => Method): void {
  const methods = prototype as Record<string, Method>;
  const old = methods[name];
  if (old === undefined) throw new Error(`no method ${name} to put an old behaviour in the place of`);
  methods[name] = make(old);
}

/** The open deliveries of each tracker's sessions by event, as the old code saw them. */
const sent = new WeakMap<Session, Map<string, { newest: number; type: number }>>();
const sessions = new Map<string, Set<Session>>();

type Track = (this: Tracker, session: Session, facts: EventFacts, ordinal: number, at: number) => Delivery | undefined;
type Processed = (this: Tracker, session: Session, id: string, rejected: boolean, error: string, at: number) => unknown;

function noteSent(): void {
  replace(Tracker.prototype, 'track', (old) => {
    const track: Track = function (session, facts, ordinal, at) {
      const events = sent.get(session) ?? new Map();
      sent.set(session, events);
      if (facts.id !== undefined) {
        events.set(facts.id, { newest: ordinal, type: facts.type.index });
        const key = `${session.user} ${facts.id}`;
        const all = sessions.get(key) ?? new Set();
        sessions.set(key, all.add(session));
      }
      return (old as Track).call(this, session, facts, ordinal, at);
    };
    return track as Method;
  });
}

export const REVERTS: readonly Revert[] = [
  {
    name: 'a word by event id proves receipt up to the newest twin',
    shows: /^false confirm: confirmed .*the word of its own client/,
    apply() {
      noteSent();
      replace(Tracker.prototype, 'processed', (old) => {
        const processed: Processed = function (session, id, rejected, error, at) {
          const known = sent.get(session)?.get(id);
          const result = (old as Processed).call(this, session, id, rejected, error, at);
          if (known !== undefined) this.received(session, known.newest, at);
          return result;
        };
        return processed as Method;
      });
    },
  },
  {
    name: "a word of another tab proves receipt in all of the user's tabs",
    shows: /^false confirm: confirmed .*another client/,
    apply() {
      noteSent();
      replace(Tracker.prototype, 'processed', (old) => {
        const processed: Processed = function (session, id, rejected, error, at) {
          if (session.user !== undefined)
            for (const other of sessions.get(`${session.user} ${id}`) ?? [])
              if (other !== session && other.link !== undefined)
                this.received(other, sent.get(other)!.get(id)!.newest, at);
          return (old as Processed).call(this, session, id, rejected, error, at);
        };
        return processed as Method;
      });
    },
  },
  {
    name: 'an old pong counts for a later ping of equal payload',
    shows: /^false confirm: confirmed \(received\).*pong of its own client/,
    apply() {
      type Pings = { through: number; last?: Buffer; lastThrough: number };
      type Forwarded = (
        this: Pings,
        buf: Buffer,
        start: number,
        end: number,
        through: number,
        barriers: number,
      ) => void;
      type Answered = (this: Pings, buf: Buffer, start: number, end: number, key: number) => number;
      replace(UpstreamPings.prototype, 'forwarded', (old) => {
        const forwarded: Forwarded = function (buf, start, end, through, barriers) {
          this.last = Buffer.from(buf.subarray(start, end));
          this.lastThrough = through;
          (old as Forwarded).call(this, buf, start, end, through, barriers);
        };
        return forwarded as Method;
      });
      replace(UpstreamPings.prototype, 'answered', (old) => {
        const answered: Answered = function (buf, start, end, key) {
          const through = (old as Answered).call(this, buf, start, end, key);
          const same = this.last !== undefined && this.last.length >= 4 && this.last.length === end - start;
          return same ? Math.max(through, this.lastThrough) : through;
        };
        return answered as Method;
      });
    },
  },
  {
    name: 'time-outs are looked for before the sockets are read',
    shows: /^false loss: timeout/,
    apply() {
      const ticking = new WeakSet<Tracker>();
      replace(Tracker.prototype, 'track', (old) => {
        const track: Track = function (session, facts, ordinal, at) {
          const delivery = (old as Track).call(this, session, facts, ordinal, at);
          const tick = (): void => {
            this.tick(now());
            if (this.waiting > 0) setTimeout(tick, 25);
            else ticking.delete(this);
          };
          if (!ticking.has(this)) setTimeout(tick, 25);
          ticking.add(this);
          return delivery;
        };
        return track as Method;
      });
    },
  },
  {
    name: 'an upstream that dies in the middle of a frame takes its client along at once',
    shows: /^false loss: .*on its way when the sidecar closed the connection/,
    apply() {
      type Parts = { client: Peer; upstream: Peer; outbound: { atBoundary: boolean; closing: boolean; raw: boolean } };
      for (const name of ['ended', 'closed'])
        replace(Splice.prototype, name, (old) => {
          const over = function (this: Parts, peer: Peer): void {
            const { atBoundary, closing, raw } = this.outbound;
            if (peer === this.upstream && !atBoundary && !closing && !raw) this.client.destroy();
            (old as (this: Parts, peer: Peer) => void).call(this, peer);
          };
          return over as Method;
        });
    },
  },
  {
    name: 'nothing is read of a client any more after it broke the rules',
    shows: /^false loss: .*pong/,
    apply() {
      const broken = new WeakSet<object>();
      replace(Inbound.prototype, 'giveUp', (old) => {
        const giveUp = function (this: object): void {
          broken.add(this);
          (old as (this: object) => void).call(this);
        };
        return giveUp as Method;
      });
      replace(Inbound.prototype, 'push', (old) => {
        const push = function (this: object, chunk: Buffer, at: number): void {
          if (!broken.has(this)) (old as (this: object, chunk: Buffer, at: number) => void).call(this, chunk, at);
        };
        return push as Method;
      });
    },
  },
  {
    name: 'what the backend sends after its client has gone is counted nowhere',
    shows: /^uncounted/,
    apply() {
      replace(Splice.prototype, 'received', (old) => {
        const received = function (this: { client: Peer; parked: boolean }, peer: Peer, chunk: Buffer): void {
          if (peer !== this.client && !this.client.writable && !this.parked) return;
          (old as (this: unknown, peer: Peer, chunk: Buffer) => void).call(this, peer, chunk);
        };
        return received as Method;
      });
    },
  },
  {
    name: 'a queue that overflows forgets who waits for its end',
    shows: /^leak/,
    apply() {
      replace(SideReader.prototype, 'giveUp', (old) => {
        const giveUp = function (this: { onIdle: unknown }): void {
          const { onIdle } = this;
          this.onIdle = undefined;
          (old as (this: unknown) => void).call(this);
          this.onIdle = onIdle;
        };
        return giveUp as Method;
      });
    },
  },
  {
    name: 'an application that has confirmed a type must confirm it from then on',
    shows: /^false loss: .*pong/,
    apply() {
      noteSent();
      const confirmed = new WeakMap<Session, Set<number>>();
      replace(Tracker.prototype, 'processed', (old) => {
        const processed: Processed = function (session, id, rejected, error, at) {
          const known = sent.get(session)?.get(id);
          if (known !== undefined) confirmed.set(session, (confirmed.get(session) ?? new Set()).add(known.type));
          return (old as Processed).call(this, session, id, rejected, error, at);
        };
        return processed as Method;
      });
      replace(Tracker.prototype, 'track', (old) => {
        const track: Track = function (session, facts, ordinal, at) {
          const { type } = facts;
          const learned = type.policy.confirm === 'auto' && confirmed.get(session)?.has(type.index) === true;
          const policy = { ...type.policy, confirm: 'processed' as const };
          const asked = learned ? { ...facts, type: { ...type, policy } } : facts;
          return (old as Track).call(this, session, asked, ordinal, at);
        };
        return track as Method;
      });
    },
  },
  {
    name: 'a rejection that a lost connection swallowed is not said again',
    shows: /^false confirm: confirmed \(processed\), but its application had not said so/,
    apply() {
      const resumed = new WeakSet<Ledger>();
      replace(Ledger.prototype, 'resume', (old) => {
        const resume = function (this: Ledger, token: string, next: number): void {
          resumed.add(this);
          (old as (this: Ledger, token: string, next: number) => void).call(this, token, next);
        };
        return resume as Method;
      });
      replace(Ledger.prototype, 'frames', (old) => {
        const frames = function (this: Ledger): string[] {
          const all = (old as (this: Ledger) => string[]).call(this);
          return resumed.delete(this) ? all.filter((frame) => !frame.includes('"reject"')) : all;
        };
        return frames as Method;
      });
    },
  },
];
