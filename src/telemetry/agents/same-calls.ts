// telemetry: tells that tool calls of several sessions are one: a run that is fanned out to three tabs calls once.
import type { Delivery } from '../../delivery/record.ts';
import type { Session } from '../../delivery/session.ts';
import { AgeList } from '../../time/age-list.ts';
import { reachOf } from '../spans/run-spans.ts';
import { type CallName, Namesakes, SharedCall } from './namesakes.ts';
import type { ToolCall } from './tool-calls.ts';

/** How far the starts of one call may be apart, ms: a fan-out writes to its sockets at once. */
const WINDOW_MS = 5000;

/** Spare records at most. The spares of a peak that has passed are released. */
const SPARES = 1024;
const LEAST_SLOTS = 64;

/**
 * The calls of the last seconds, by what names them in every session. Names are compared whole, so
 * that two calls are never taken for one. Records are used again: new ones would live for seconds,
 * and cost the garbage collector two copies each.
 */
export class SameCalls {
  /** The first record of each slot; the others follow `chained`. */
  #slots: (Namesakes | undefined)[] = new Array(LEAST_SLOTS).fill(undefined);
  readonly #byAge = new AgeList<Namesakes>();
  readonly #spare: Namesakes[] = [];
  readonly #limit: number;
  /** The name that is looked for. */
  readonly #name: CallName = { eventId: '', callId: '', run: '', tool: '', reach: 'all', scope: '' };
  /** Secret start of the hash, so that colliding ids are hard to prepare. */
  readonly #seed = (Math.random() * 0x7fffffff) | 0;

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

  /** Forgets what started too long ago to be joined. */
  tick(now: number): void {
    for (
      let { oldest } = this.#byAge;
      oldest !== undefined && now - oldest.lastAt > WINDOW_MS;
      { oldest } = this.#byAge
    )
      this.#forget(oldest);
  }

  #find({ session, run, tool, callId, startedAt }: ToolCall, eventId: string): SharedCall {
    if (eventId === '' && callId === '' && run === '') return new SharedCall(startedAt);
    const name = this.#name;
    name.eventId = eventId;
    name.callId = callId;
    name.run = run;
    name.tool = tool;
    name.reach = reachOf(session, Math.max(run.length, callId.length, eventId.length));
    name.scope = name.reach === 'user' ? userOf(session) : name.reach === 'session' ? session.key : '';
    const namesakes = this.#named(name, session, startedAt);
    this.#byAge.add(namesakes);
    return namesakes.next(session, startedAt, WINDOW_MS);
  }

  /** The record of that name, a new one if need be. */
  #named(name: CallName, session: Session, now: number): Namesakes {
    const hash = this.#hash(name);
    let each = this.#slots[hash & (this.#slots.length - 1)];
    while (each !== undefined && (each.hash !== hash || !each.has(name))) each = each.chained;
    if (each !== undefined) return each;
    const { oldest } = this.#byAge;
    if (oldest !== undefined && this.#byAge.size >= this.#limit) this.#forget(oldest);
    const namesakes = this.#spare.pop() ?? new Namesakes();
    namesakes.begin(name, hash, session, now);
    if (this.#byAge.size >= this.#slots.length) this.#grow();
    this.#enter(namesakes);
    return namesakes;
  }

  #enter(namesakes: Namesakes): void {
    const slots = this.#slots;
    const slot = namesakes.hash & (slots.length - 1);
    namesakes.chained = slots[slot];
    slots[slot] = namesakes;
  }

  #grow(): void {
    const entered = this.#slots;
    this.#slots = new Array(entered.length * 2).fill(undefined);
    for (const first of entered)
      for (let each = first; each !== undefined; ) {
        const { chained } = each;
        this.#enter(each);
        each = chained;
      }
  }

  #forget(namesakes: Namesakes): void {
    this.#byAge.remove(namesakes);
    const slots = this.#slots;
    const slot = namesakes.hash & (slots.length - 1);
    if (slots[slot] === namesakes) slots[slot] = namesakes.chained;
    else {
      let before = slots[slot]!;
      while (before.chained !== namesakes) before = before.chained!;
      before.chained = namesakes.chained;
    }
    namesakes.end();
    if (this.#spare.length < SPARES) this.#spare.push(namesakes);
  }

  /** FNV-1a over the ids that differ most: an event's own id, or else those of its call. */
  #hash({ eventId, callId, run }: CallName): number {
    if (eventId !== '') return spread(mixed(this.#seed, eventId));
    return spread(mixed(mixed(this.#seed, callId), run));
  }
}

function userOf(session: Session): string {
  return session.user ?? session.claimedUser ?? '';
}

function mixed(hash: number, text: string): number {
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}

/** Slots go by the low bits. */
function spread(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return hash ^ (hash >>> 13);
}
