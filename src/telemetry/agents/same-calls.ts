// telemetry: tells that tool calls of several sessions are one: a run that is fanned out to three tabs calls once.
import type { Delivery } from '../../delivery/record.ts';
import type { Session } from '../../delivery/session.ts';
import { type Aged, AgeList } from '../../time/age-list.ts';
import { scopeOf } from '../spans/run-spans.ts';
import type { ToolCall } from './tool-calls.ts';

/** One call of a tool, however many sessions see it. */
export class SharedCall {
  /** Sessions in which it is open. */
  open = 0;
  /** Whether it has been counted and traced. */
  told = false;
  readonly startedAt: number;

  constructor(startedAt: number) {
    this.startedAt = startedAt;
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

/** How far the starts of one call may be apart, ms: a fan-out writes to its sockets at once. */
const WINDOW_MS = 5000;

/**
 * The calls of one name, in order of time. Parallel calls whose events carry no id have one name,
 * and are told apart by their number in each session.
 */
class Namesakes implements Aged {
  readonly name: string;
  /** The latest start, monotonic ms. */
  lastAt = 0;
  older: Aged | undefined = undefined;
  newer: Aged | undefined = undefined;
  listed = false;
  /** Calls that can still be joined, after `#dropped` older ones. */
  readonly #calls: SharedCall[] = [];
  #dropped = 0;
  /** How many of all these calls each session has seen. One session is the rule. */
  readonly #first: Session;
  #firstSaw = 0;
  #others: Map<Session, number> | undefined = undefined;

  constructor(name: string, first: Session) {
    this.name = name;
    this.#first = first;
  }

  /** Finds the oldest call that the session has not seen: its own second start is another call. */
  next(session: Session, now: number): SharedCall {
    const calls = this.#calls;
    this.lastAt = now;
    for (let oldest = calls[0]; oldest !== undefined && now - oldest.startedAt > WINDOW_MS; oldest = calls[0]) {
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

/** The calls of the last seconds, by what names them in every session. */
export class SameCalls {
  readonly #named = new Map<string, Namesakes>();
  readonly #byAge = new AgeList<Namesakes>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Names whose calls may still be joined. */
  get size(): number {
    return this.#byAge.size;
  }

  /** Joins a call that starts to the same call in another session, if there is one. */
  join(call: ToolCall, { eventId = '' }: Delivery): SharedCall {
    const shared = this.#find(call, eventId);
    shared.open++;
    return shared;
  }

  #find({ session, run, tool, callId, startedAt }: ToolCall, eventId: string): SharedCall {
    if (eventId === '' && callId === '' && run === '') return new SharedCall(startedAt);
    const scope = scopeOf(session, Math.max(run.length, callId.length, eventId.length));
    const name = `${eventId}\u0000${callId}\u0000${run}\u0000${tool}\u0000${scope}`;
    let namesakes = this.#named.get(name);
    if (namesakes === undefined) {
      const { oldest } = this.#byAge;
      if (oldest !== undefined && this.#byAge.size >= this.#limit) this.#forget(oldest);
      namesakes = new Namesakes(name, session);
      this.#named.set(name, namesakes);
    }
    this.#byAge.add(namesakes);
    return namesakes.next(session, startedAt);
  }

  /** Forgets what started too long ago to be joined. */
  tick(now: number): void {
    for (
      let { oldest } = this.#byAge;
      oldest !== undefined && now - oldest.lastAt > WINDOW_MS;
      { oldest } = this.#byAge
    )
      this.#forget(oldest);
  }

  #forget(namesakes: Namesakes): void {
    this.#byAge.remove(namesakes);
    this.#named.delete(namesakes.name);
  }
}
