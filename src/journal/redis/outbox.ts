// journal: turns what the scribe tells into commands, and what comes of them into what follows: nothing waits for it.
import type { Session } from '../../delivery/session.ts';
import type { Gate } from './gate.ts';
import type { Keys } from './keys.ts';
import type { SessionLedger } from './ledger.ts';
import type { Arg, Link } from './link.ts';
import type { Over } from './one-way.ts';
import { Fixed } from './resp.ts';
import { callOf, DO, ELSEWHERE, END, GONE, PUT, REAPED, RELEASE, WRITE } from './scripts.ts';

/** Where changes go. Nothing here is waited for. */
export interface Outbox {
  readonly open: boolean;
  /** Nothing more can be handed to the kernel at the moment. */
  readonly full: boolean;
  /** Commands sent by `send` are written in one call. */
  together(send: () => void): void;
  /** The changes of a session that Redis has whole. They are taken. */
  put(ledger: SessionLedger): void;
  /** All of a session, in place of what Redis has. */
  write(ledger: SessionLedger, fields: readonly Arg[]): void;
  /** Changes of the deliveries of clients that have not opted in. */
  putOthers(sets: ReadonlyMap<string, Arg>, gone: ReadonlySet<string>): void;
  /** The session is given back, or is over. */
  release(ledger: SessionLedger): void;
  end(ledger: SessionLedger): void;
  /** The session is one of this instance's from now on. */
  hold(session: Session): void;
}

export interface OutboxDeps {
  readonly link: Link;
  readonly gate: Gate;
  readonly keys: Keys;
  readonly instance: string;
  /** Life of what nobody touches, ms. */
  readonly lifeMs: number;
  /** Another instance has the session. `had`: ordinal that it had when it was taken, if known. */
  lost(ledger: SessionLedger, why: 'client' | 'reaper', had: number | undefined): void;
  /** Redis has not got all of the session. */
  miss(ledger: SessionLedger): void;
  /** Redis knows nothing of a session that it was told of: it may have forgotten everything. */
  emptied(): void;
}

/** How long it is remembered that a session is over which several instances have had, ms. */
const REMEMBERED_MS = 600_000;
/** Arguments of one command; an even number keeps pairs together. */
const SLICE = 1000;

export function createOutbox(deps: OutboxDeps): Outbox {
  const { link, gate, keys, instance, lifeMs } = deps;
  const life = String(lifeMs);
  const judge =
    (ledger: SessionLedger): Over =>
    (result, error) => {
      if (error !== undefined) {
        deps.miss(ledger);
        failed(error);
        return;
      }
      const [word, ordinal] = result.split(' ');
      const [answer, had] = [Number(word), ordinal ? Number(ordinal) : undefined];
      if (answer === ELSEWHERE) deps.lost(ledger, 'client', had);
      else if (answer === REAPED) deps.lost(ledger, 'reaper', had);
      else if (answer === GONE && !ledger.missing) deps.emptied();
    };
  // Commands wait for Redis by the thousand: those of a session share one.
  const judged = (ledger: SessionLedger): Over => (ledger.over ??= judge(ledger));
  const failed = (error: Error): void => {
    // A replica that was the master before: the next connection finds the new one.
    if (error.message.includes('READONLY')) link.giveUp(error.message);
    gate.refused(error);
  };
  const others: Over = (_, error) => {
    if (error !== undefined) failed(error);
  };
  const each = (command: string, key: string, args: readonly Arg[], slice: number): void => {
    for (let i = 0; i < args.length; i += slice) link.write(DO, [key], [command, ...args.slice(i, i + slice)], others);
  };
  return {
    get open() {
      return gate.open;
    },
    get full() {
      return link.full;
    },
    together: (send) => link.together(send),
    put(ledger) {
      ledger.put ??= new Fixed(...callOf(PUT, [keys.session(ledger.session.key)]), ledger.epoch, life);
      link.writeFrom(ledger.put, ledger.take(), judged(ledger));
    },
    write(ledger, fields) {
      const { epoch, session } = ledger;
      // A session that could not be found by whoever sees to a dead instance would never end.
      each('SADD', keys.held(instance), [session.key], 1);
      link.write(WRITE, [keys.session(session.key)], [epoch, life, instance, ...fields], judged(ledger));
    },
    putOthers(sets, gone) {
      const key = keys.open(instance);
      if (sets.size > 0) each('HSET', key, [...sets].flat(), SLICE);
      if (gone.size > 0) each('HDEL', key, [...gone], SLICE);
    },
    release({ session, epoch }) {
      link.write(RELEASE, [keys.session(session.key)], [epoch], others);
      each('SREM', keys.held(instance), [session.key], 1);
    },
    end({ session, epoch }) {
      if (!gate.open) return;
      link.write(END, [keys.session(session.key)], [epoch, String(REMEMBERED_MS)], others);
      each('SREM', keys.held(instance), [session.key], 1);
    },
    hold(session) {
      if (gate.open) each('SADD', keys.held(instance), [session.key], 1);
    },
  };
}
