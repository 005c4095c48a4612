// decode: event types interned by their bytes: a known type costs a hash and a comparison, and no string. Bounded.
import { type EventType, type Policy, SCHEDULES } from '../delivery/policy.ts';
import { equalBytes } from './paths.ts';
import type { RuleBook } from './rules.ts';

/** The label of every type past the limit, and the name of index 0. */
const OTHER = 'other';

/**
 * Types without an index of their own that are remembered, one per slot; a newcomer takes the slot.
 * Power of two.
 */
const RECENT = 1024;

/** Names that may be reserved: one per shape. */
const RESERVED = 16;

/** The policy of index 0 while no rule tracks a type that is really called `other`. */
const FALLBACK: Policy = { priority: 'low', confirm: 'auto', ...SCHEDULES.low };

interface Entry {
  readonly hash: number;
  readonly bytes: Buffer;
  /** undefined = not tracked. */
  readonly type: EventType | undefined;
}

/**
 * Every type that was seen. The types that rules name come first, in their order. Then come the
 * first types that arrive, up to `maxTypes` together; `other` (index 0) is not counted. Later types
 * keep their own name and policy, but share index 0 and its label. They are remembered in a fixed
 * number of slots, so that endless new names cost time and never memory.
 */
export class TypeTable {
  /** Dense by index. Grows up to `maxTypes` + 1, and what is reserved. */
  readonly types: readonly EventType[];
  readonly #indexed: EventType[];
  #rules: RuleBook;
  readonly #maxTypes: number;
  /** Names with an index beside those that `maxTypes` counts. */
  readonly #reserved = new Map<string, number>();
  /** Open addressing; never fills, because what enters is bounded when it is made. */
  #known: (Entry | undefined)[] = [];
  #mask = 0;
  readonly #recent = new Array<Entry | undefined>(RECENT).fill(undefined);

  constructor(rules: RuleBook, maxTypes: number) {
    this.#rules = rules;
    this.#maxTypes = maxTypes;
    this.#forget();
    const policy = rules.policyOf(OTHER);
    this.#indexed = [{ name: OTHER, index: 0, label: OTHER, policy: policy ?? FALLBACK }];
    this.types = this.#indexed;
    this.#keep(entryOf(OTHER, policy && this.#indexed[0]));
    for (const name of rules.named) if (name !== OTHER) this.#keep(entryOf(name, this.#typeOf(name)));
  }

  /**
   * Other rules hold from now on. Types keep their index and label. What was tracked by the old
   * rules keeps its old type.
   */
  reload(rules: RuleBook): void {
    this.#rules = rules;
    this.#forget();
    for (const { name, index } of [...this.#indexed]) {
      const policy = rules.policyOf(name);
      const type = { name, index, label: name, policy: policy ?? FALLBACK };
      // A shape that is only a shape has no event of its name; its type is reserved anew.
      if (policy !== undefined || index === 0) this.#indexed[index] = type;
      this.#keep(entryOf(name, policy && type));
    }
    const spelled = rules.named.filter((name) => !this.#indexed.some((type) => type.name === name));
    for (const name of spelled) this.#keep(entryOf(name, this.#typeOf(name)));
  }

  /** Empties the memory of names. */
  #forget(): void {
    let size = 16;
    while (size < (this.#maxTypes + this.#rules.named.length + RESERVED + 1) * 4) size *= 2;
    this.#known = new Array<Entry | undefined>(size).fill(undefined);
    this.#mask = size - 1;
    this.#recent.fill(undefined);
  }

  /**
   * Reserves a type of that name with a policy of its own. It shares the index of events that are
   * really called so, and has one beyond the limit too.
   */
  reserve(name: string, policy: Policy): EventType {
    const known = this.#indexed.find((type) => type.label === name);
    const type = { name, index: known?.index ?? this.#indexed.length, label: name, policy };
    if (known === undefined) {
      this.#indexed.push(type);
      this.#reserved.set(name, type.index);
    }
    return type;
  }

  /** The type spelled by `buf[start, end)` (UTF-8), or undefined when it is not to be tracked. */
  find(buf: Buffer, start: number, end: number): EventType | undefined {
    const hash = hashOf(buf, start, end);
    let slot = hash & this.#mask;
    let entry = this.#known[slot];
    while (entry !== undefined) {
      if (entry.hash === hash && equalBytes(entry.bytes, buf, start, end)) return entry.type;
      slot = (slot + 1) & this.#mask;
      entry = this.#known[slot];
    }
    entry = this.#recent[hash & (RECENT - 1)];
    if (entry !== undefined && entry.hash === hash && equalBytes(entry.bytes, buf, start, end)) return entry.type;
    return this.#learn(buf.toString('utf8', start, end));
  }

  #learn(name: string): EventType | undefined {
    const entry = entryOf(name, this.#typeOf(name));
    if (entry.type === undefined || entry.type.index === 0) this.#recent[entry.hash & (RECENT - 1)] = entry;
    else this.#keep(entry);
    return entry.type;
  }

  #typeOf(name: string): EventType | undefined {
    const policy = this.#rules.policyOf(name);
    if (policy === undefined) return undefined;
    const reserved = this.#reserved.get(name);
    if (reserved !== undefined) return { name, index: reserved, label: name, policy };
    if (this.#indexed.length - this.#reserved.size > this.#maxTypes) return { name, index: 0, label: OTHER, policy };
    const type = { name, index: this.#indexed.length, label: name, policy };
    this.#indexed.push(type);
    return type;
  }

  #keep(entry: Entry): void {
    let slot = entry.hash & this.#mask;
    while (this.#known[slot] !== undefined) slot = (slot + 1) & this.#mask;
    this.#known[slot] = entry;
  }
}

function entryOf(name: string, type: EventType | undefined): Entry {
  const bytes = Buffer.from(name, 'utf8');
  return { hash: hashOf(bytes, 0, bytes.length), bytes, type };
}

function hashOf(buf: Buffer, start: number, end: number): number {
  let hash = 0;
  for (let p = start; p < end; p++) hash = (Math.imul(hash, 31) + buf[p]!) | 0;
  return hash;
}
