// telemetry: tells that tool calls of several sessions are one: a run that is fanned out to three tabs calls once.
import type { Delivery } from '../../delivery/record.ts';
import type { Session } from '../../delivery/session.ts';
import { scopeOf } from '../spans/run-spans.ts';
import type { ToolCall } from './tool-calls.ts';

/** One call of a tool, however many sessions see it. */
export class SharedCall {
  /** Sessions in which it is open. */
  open = 0;
  /** Whether it has been counted and traced. */
  told = false;
  readonly startedAt: number;
  readonly sessions = new Set<Session>();
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

/** The calls of the last seconds, by what names them in every session. */
export class SameCalls {
  /** Parallel calls whose events carry no id have one name. */
  readonly #recent = new Map<string, SharedCall[]>();
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Joins a call that starts to the same call in another session, if there is one. */
  join(call: ToolCall, { eventId = '' }: Delivery): SharedCall {
    const shared = this.#find(call, eventId);
    shared.sessions.add(call.session);
    shared.open++;
    return shared;
  }

  #find({ session, run, tool, callId, startedAt }: ToolCall, eventId: string): SharedCall {
    if (eventId === '' && callId === '' && run === '') return new SharedCall(startedAt);
    const scope = scopeOf(session, Math.max(run.length, callId.length, eventId.length));
    const key = [scope, run, tool, callId, eventId].join('\u0000');
    const known = this.#recent.get(key)?.filter((each) => startedAt - each.startedAt <= WINDOW_MS) ?? [];
    // The oldest that this session does not see: its own second start is another call.
    const same = known.find(({ sessions }) => !sessions.has(session));
    if (same !== undefined) return same;
    this.#forget(startedAt);
    const shared = new SharedCall(startedAt);
    // Deleted first, so that the map stays in order of time.
    this.#recent.delete(key);
    this.#recent.set(key, [...known, shared]);
    return shared;
  }

  #forget(now: number): void {
    for (const [key, calls] of this.#recent) {
      if (now - calls.at(-1)!.startedAt <= WINDOW_MS && this.#recent.size < this.#limit) break;
      this.#recent.delete(key);
    }
  }
}
