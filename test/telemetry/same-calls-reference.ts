// The rule of joined tool calls written down as plainly as it goes: nothing is hashed, pooled or dropped early.
import type { Delivery } from '../../src/delivery/record.ts';
import type { Session } from '../../src/delivery/session.ts';
import type { ToolCall } from '../../src/telemetry/agents/tool-calls.ts';

const WINDOW_MS = 5000;
const LONG = 16;

interface Call {
  readonly startedAt: number;
  open: number;
  told: boolean;
}

interface Named {
  readonly name: string;
  readonly calls: Call[];
  /** How many of the calls each session has seen, or let pass. */
  readonly saw: Map<Session, number>;
  lastAt: number;
}

export class PlainSameCalls {
  /** By their latest start; the oldest comes first. */
  #all: Named[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#all.length;
  }

  join(call: ToolCall, { eventId = '' }: Delivery): Call {
    const ids = [eventId, call.callId, call.run];
    const nameless = ids.every((id) => id === '');
    const shared = nameless ? { startedAt: call.startedAt, open: 0, told: false } : this.#find(call, eventId, ids);
    shared.open++;
    return shared;
  }

  over(call: Call, ended: boolean): boolean {
    call.open--;
    if (call.told || (!ended && call.open > 0)) return false;
    call.told = true;
    return true;
  }

  tick(now: number): void {
    this.#all = this.#all.filter(({ lastAt }) => now - lastAt <= WINDOW_MS);
  }

  #find({ session, run, tool, callId, startedAt: now }: ToolCall, eventId: string, ids: readonly string[]): Call {
    const user = session.user ?? session.claimedUser;
    const long = ids.some((id) => id.length >= LONG);
    const scope = user !== undefined ? ['user', user] : long ? ['all'] : ['session', session.key];
    const name = JSON.stringify([eventId, callId, run, tool, scope]);
    let named = this.#all.find((each) => each.name === name);
    if (named === undefined && this.#all.length >= this.#limit) this.#all.shift();
    named ??= { name, calls: [], saw: new Map(), lastAt: now };
    named.lastAt = now;
    this.#all = [...this.#all.filter((each) => each !== named), named];
    const young = named.calls.filter(({ startedAt }) => now - startedAt <= WINDOW_MS).length;
    const at = Math.max(named.saw.get(session) ?? 0, named.calls.length - young);
    named.saw.set(session, at + 1);
    named.calls[at] ??= { startedAt: now, open: 0, told: false };
    return named.calls[at];
  }
}
