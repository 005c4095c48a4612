// telemetry: the calls of a tool that have one name, and which of them a session sees next.
import type { Session } from '../../delivery/session.ts';
import type { Aged } from '../../time/age-list.ts';
import type { Reach } from '../spans/run-spans.ts';

/** What names a call in every session that sees it; '' = the event did not say. */
export interface CallName {
  eventId: string;
  callId: string;
  run: string;
  tool: string;
  reach: Reach;
  /** The user or session within which the ids are unique, by `reach`. */
  scope: string;
}

/** One call of a tool, however many sessions see it. */
export class SharedCall {
  /** Sessions in which it is open. */
  open = 0;
  /** Whether it has been counted and traced. */
  told = false;
  startedAt: number;

  constructor(startedAt: number) {
    this.startedAt = startedAt;
  }

  /** Makes this another call. It must be open in no session. */
  reuse(startedAt: number): void {
    this.startedAt = startedAt;
    this.told = false;
  }

  /**
   * The call is over in one session. Returns whether it is to be told now: at its first end, or
   * when it is lost in the last session.
   */
  over(ended: boolean): boolean {
    this.open--;
    if (this.told || (!ended && this.open > 0)) return false;
    this.told = true;
    return true;
  }
}

/**
 * The calls of one name, in order of time. Parallel calls whose events carry no id have one name,
 * and are told apart by their number in each session. A record is used for one name after another.
 */
export class Namesakes implements Aged {
  hash = 0;
  /** The next record of the same slot. */
  chained: Namesakes | undefined = undefined;
  /** The latest start, monotonic ms. */
  lastAt = 0;
  older: Aged | undefined = undefined;
  newer: Aged | undefined = undefined;
  listed = false;
  #eventId = '';
  #callId = '';
  #run = '';
  #tool = '';
  #reach: Reach = 'all';
  #scope = '';
  /** Calls that can still be joined, after `#dropped` older ones. */
  readonly #calls = [new SharedCall(0)];
  #dropped = 0;
  /** How many of all these calls each session has seen. One session is the rule. */
  #first: Session | undefined = undefined;
  #firstSaw = 0;
  #others: Map<Session, number> | undefined = undefined;

  /** Whether this is the record of that name. */
  has(name: CallName): boolean {
    return (
      this.#eventId === name.eventId &&
      this.#callId === name.callId &&
      this.#run === name.run &&
      this.#tool === name.tool &&
      this.#reach === name.reach &&
      this.#scope === name.scope
    );
  }

  /** Makes this the record of a name whose first call starts now, in session `first`. */
  begin({ eventId, callId, run, tool, reach, scope }: CallName, hash: number, first: Session, now: number): void {
    const call = this.#calls[0];
    // A call of the name before may still be open, and is another one's by now.
    if (call?.open === 0) call.reuse(now);
    else this.#calls[0] = new SharedCall(now);
    this.hash = hash;
    this.#eventId = eventId;
    this.#callId = callId;
    this.#run = run;
    this.#tool = tool;
    this.#reach = reach;
    this.#scope = scope;
    this.#first = first;
    this.#firstSaw = 0;
    this.#dropped = 0;
  }

  /** Lets go of the name, its sessions and calls. A call that is open goes on by itself. */
  end(): void {
    // To V8, a list that was emptied has lost its memory.
    if (this.#calls.length > 1) this.#calls.length = 1;
    this.chained = undefined;
    this.#eventId = this.#callId = this.#run = this.#tool = this.#scope = '';
    this.#first = undefined;
    this.#others = undefined;
  }

  /**
   * Finds the oldest call of the last `windowMs` that the session has not seen: its own second
   * start is another call.
   */
  next(session: Session, now: number, windowMs: number): SharedCall {
    const calls = this.#calls;
    this.lastAt = now;
    for (let oldest = calls[0]; oldest !== undefined && now - oldest.startedAt > windowMs; oldest = calls[0]) {
      calls.shift();
      this.#dropped++;
    }
    const isFirst = session === this.#first;
    const saw = isFirst ? this.#firstSaw : (this.#others?.get(session) ?? 0);
    const at = Math.max(saw, this.#dropped);
    if (isFirst) this.#firstSaw = at + 1;
    else {
      this.#others ??= new Map();
      this.#others.set(session, at + 1);
    }
    const known = calls[at - this.#dropped];
    if (known !== undefined) return known;
    const call = new SharedCall(now);
    calls.push(call);
    return call;
  }
}
