// decode: what the protocols of a process share: event types, and counts of messages with nothing to track.
import type { EventType } from '../delivery/policy.ts';
import type { EventFacts } from '../delivery/record.ts';
import type { Unreadable } from './json.ts';
import { createRuleBook, type Rule } from './rules.ts';
import { TypeTable } from './type-table.ts';
import { createUnreadTypes, type UnreadTypes } from './unread.ts';

/**
 * Why nothing of a message is tracked: it holds no event, or (`untracked`) one that the rules leave
 * out. It is relayed all the same.
 */
export type OtherReason = 'untracked' | 'no_type' | Unreadable;

export interface EventTypes {
  /** Every type that was seen, by the bytes of its name. */
  readonly table: TypeTable;
  /** The types of messages without an event. */
  readonly unread: UnreadTypes;
  /** Number of messages with nothing to track, by reason. Readers count here. */
  readonly others: Record<OtherReason, number>;
  /** Number of events that were not the first of their message. Readers count here. */
  batched: number;
}

/**
 * The types of one process. `maxTypes`: how many have an index and a label of their own; `tracked`:
 * messages without an event are tracked.
 */
export function createEventTypes(rules: readonly Rule[], maxTypes: number, tracked: boolean): EventTypes {
  const table = new TypeTable(createRuleBook(rules), maxTypes);
  const others = { untracked: 0, no_type: 0, not_json: 0, not_object: 0, invalid_utf8: 0 };
  return { table, unread: createUnreadTypes(rules, table, tracked), others, batched: 0 };
}

/** The answer of a reader: one object that is written anew for each event. */
export class Facts implements EventFacts {
  type: EventType;
  id: string | undefined = undefined;
  run: string | undefined = undefined;
  user: string | undefined = undefined;
  tool: string | undefined = undefined;
  toolCall: string | undefined = undefined;
  traceparent: string | undefined = undefined;
  bytes = 0;

  constructor(type: EventType) {
    this.type = type;
  }

  /** Sets the facts of a message without an event: its type and size are all there is. */
  bare(type: EventType, bytes: number): this {
    this.type = type;
    this.id = this.run = this.user = this.tool = this.toolCall = this.traceparent = undefined;
    this.bytes = bytes;
    return this;
  }
}
