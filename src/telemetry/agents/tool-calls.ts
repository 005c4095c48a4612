// telemetry: open tool calls per session: which end belongs to which start. Bounded; makes no spans.
import type { Delivery } from '../../delivery/record.ts';
import type { Session } from '../../delivery/session.ts';
import { type Aged, AgeList } from '../../time/age-list.ts';
import type { TracedRun } from '../spans/run-spans.ts';
import type { SharedCall } from './namesakes.ts';
import { SameCalls } from './same-calls.ts';

/** A call from its start; '' = the event did not name it. */
export class ToolCall implements Aged {
  readonly session: Session;
  readonly run: string;
  readonly tool: string;
  readonly callId: string;
  /** In this session, monotonic ms. */
  readonly startedAt: number;
  readonly traceparent: string | undefined;
  /** The connection that carried the start. */
  readonly connectionId: string;
  /** Call of all sessions that see it; set when the call is opened. */
  shared: SharedCall | undefined = undefined;
  /** The span of its run, where there is one. */
  tracedRun: TracedRun | undefined = undefined;
  older: Aged | undefined = undefined;
  newer: Aged | undefined = undefined;
  listed = false;

  constructor(delivery: Delivery) {
    this.session = delivery.session;
    this.run = delivery.run ?? '';
    this.tool = delivery.tool ?? '';
    this.callId = delivery.toolCall ?? '';
    this.startedAt = delivery.sentAt;
    this.traceparent = delivery.traceparent;
    this.connectionId = delivery.session.link?.id ?? '';
  }

  /** The first start in any session, monotonic ms. */
  get firstAt(): number {
    return this.shared?.startedAt ?? this.startedAt;
  }
}

/**
 * Open calls of one session at most: a backend that never ends its calls must not push out the
 * calls of others.
 */
export const CALLS_PER_SESSION = 256;

/** Open calls. Starts must come in order of time. */
export class ToolCalls {
  readonly #bySession = new Map<Session, ToolCall[]>();
  readonly #byAge = new AgeList<ToolCall>();
  readonly #limit: number;
  readonly #same: SameCalls;

  constructor(limit: number) {
    this.#limit = limit;
    this.#same = new SameCalls(limit);
  }

  get open(): number {
    return this.#byAge.size;
  }

  /** Names of calls, open or over, that another session may still join. */
  get joinable(): number {
    return this.#same.size;
  }

  get oldest(): ToolCall | undefined {
    return this.#byAge.oldest;
  }

  /**
   * Opens a call. A start with the call id of an open call of its run is that start again. Returns
   * the call, and the one that had to give way.
   */
  start(delivery: Delivery): { readonly opened: ToolCall | undefined; readonly gaveWay: ToolCall | undefined } {
    const call = new ToolCall(delivery);
    let calls = this.#bySession.get(call.session);
    if (calls?.some(({ callId, run }) => callId !== '' && callId === call.callId && run === call.run))
      return { opened: undefined, gaveWay: undefined };
    const full = calls !== undefined && calls.length >= CALLS_PER_SESSION;
    const gaveWay = full ? calls![0] : this.open >= this.#limit ? this.oldest : undefined;
    if (gaveWay !== undefined) this.remove(gaveWay);
    calls = this.#bySession.get(call.session);
    if (calls === undefined) this.#bySession.set(call.session, [call]);
    else calls.push(call);
    this.#byAge.add(call);
    call.shared = this.#same.join(call, delivery);
    return { opened: call, gaveWay };
  }

  /**
   * Closes and returns the call that the end belongs to: the one with its call id, else the oldest
   * of its run and tool without an id, else the oldest of its run and tool. Oldest first, because
   * calls of one tool at a time are more often parallel than nested. The sum of their durations is
   * equal either way.
   */
  end({ session, run = '', tool, toolCall }: Delivery): ToolCall | undefined {
    const calls = this.#bySession.get(session);
    if (calls === undefined) return undefined;
    let best: ToolCall | undefined;
    for (const call of calls) {
      if (call.run !== run) continue;
      if (toolCall !== undefined && call.callId === toolCall) {
        best = call;
        break;
      }
      if (tool !== undefined && call.tool !== tool) continue;
      // Two different ids are two different calls.
      if (call.callId === '' ? best === undefined || best.callId !== '' : toolCall === undefined && best === undefined)
        best = call;
    }
    if (best !== undefined) this.remove(best);
    return best;
  }

  /** Forgets calls that no other session can join any more. */
  tick(now: number): void {
    this.#same.tick(now);
  }

  /** How many calls of the run are open. */
  openIn(session: Session, run: string): number {
    let count = 0;
    for (const call of this.#bySession.get(session) ?? []) if (call.run === run) count++;
    return count;
  }

  /** The session's calls, oldest first. */
  of(session: Session): readonly ToolCall[] {
    return [...(this.#bySession.get(session) ?? [])];
  }

  /** Drops a call. Does nothing if it is not open. */
  remove(call: ToolCall): void {
    if (!call.listed) return;
    this.#byAge.remove(call);
    const calls = this.#bySession.get(call.session);
    if (calls === undefined) return;
    if (calls.length === 1) this.#bySession.delete(call.session);
    else calls.splice(calls.indexOf(call), 1);
  }
}
