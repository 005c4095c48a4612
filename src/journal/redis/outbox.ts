// journal: turns what the scribe tells into commands, and their answers into what follows: nothing waits for them.
import type { Gate } from './gate.ts';
import type { Keys } from './keys.ts';
import type { SessionLedger } from './ledger.ts';
import type { Arg, Link } from './link.ts';
import type { Outbox } from './scribe.ts';
import { ELSEWHERE, END, GONE, PUT, REAPED, RELEASE, WRITE } from './scripts.ts';

export interface OutboxDeps {
  readonly link: Link;
  readonly gate: Gate;
  readonly keys: Keys;
  readonly instance: string;
  /** Life of what nobody touches, ms. */
  readonly lifeMs: number;
  /** Another instance has the session. */
  lost(ledger: SessionLedger, why: 'client' | 'reaper'): void;
  /** Redis has not got all of the session. */
  miss(ledger: SessionLedger): void;
  /** Redis knows nothing of a session that it was told of: it may have forgotten everything. */
  emptied(): void;
}

/** How long it is remembered that a session is over which several instances have had, ms. */
const REMEMBERED_MS = 600_000;

export function createOutbox(deps: OutboxDeps): Outbox {
  const { link, gate, keys, instance, lifeMs } = deps;
  const life = String(lifeMs);
  const failed = (error: Error): void => gate.refused(error);
  const judge = (ledger: SessionLedger, answer: Promise<unknown>): void =>
    void answer.then(
      (result) => {
        if (result === ELSEWHERE) deps.lost(ledger, 'client');
        else if (result === REAPED) deps.lost(ledger, 'reaper');
        else if (result === GONE && !ledger.missing) deps.emptied();
      },
      (error: Error) => {
        deps.miss(ledger);
        failed(error);
      },
    );
  return {
    get open() {
      return gate.open;
    },
    together: (send) => link.together(send),
    put(ledger, changes) {
      const args: Arg[] = [ledger.epoch, life, ...changes];
      judge(ledger, link.run(PUT, [keys.session(ledger.session.key)], args));
    },
    write(ledger, fields) {
      const { epoch, session } = ledger;
      // A session that could not be found by whoever sees to a dead instance would never end.
      link.send('sadd', [keys.held(instance), session.key]).catch(failed);
      judge(ledger, link.run(WRITE, [keys.session(session.key)], [epoch, life, instance, ...fields]));
    },
    putOthers(sets, gone) {
      const key = keys.open(instance);
      if (sets.size > 0) link.send('hset', [key, ...[...sets].flat()]).catch(failed);
      if (gone.size > 0) link.send('hdel', [key, ...gone]).catch(failed);
    },
    release({ session, epoch }) {
      link.run(RELEASE, [keys.session(session.key)], [epoch]).catch(failed);
      link.send('srem', [keys.held(instance), session.key]).catch(failed);
    },
    end({ session, epoch }) {
      if (!gate.open) return;
      link.run(END, [keys.session(session.key)], [epoch, String(REMEMBERED_MS)]).catch(failed);
      link.send('srem', [keys.held(instance), session.key]).catch(failed);
    },
    hold(session) {
      if (gate.open) link.send('sadd', [keys.held(instance), session.key]).catch(failed);
    },
  };
}
