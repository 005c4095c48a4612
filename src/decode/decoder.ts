// decode: reads the messages of all connections of a process: joins the rules and types that they share with the protocols that they speak.
import type { EventType } from '../delivery/policy.ts';
import type { EventFacts } from '../delivery/record.ts';
import { createChoice } from './choice.ts';
import { createEventTypes, type EventTypes, Facts, type OtherReason } from './event-types.ts';
import { createJsonProtocol } from './json-protocol.ts';
import type { DecodeOptions } from './options.ts';
import type { MessageReader, Upgrade, WireProtocol } from './protocol.ts';
import { createRuleBook, type Rule } from './rules.ts';
import type { Shape } from './unread.ts';

/** Builds a protocol from the operator's rules and the types that all protocols share. */
export type CreateProtocol = (options: DecodeOptions, types: EventTypes) => WireProtocol;

/** One per process: it knows every event type. */
export interface Decoder {
  /** Whether there is a message that would be tracked: by a rule, or for its shape. */
  readonly tracks: boolean;
  /** A reader for the messages of one connection, of the protocol that it speaks. */
  open(upgrade: Upgrade): MessageReader;
  /** What is to be tracked of a message that is not read; its size is not known then (0), and nothing is counted in `others`. */
  unreadable(shape: Shape): EventFacts | undefined;
  /** Events so far that were not the first of their message. */
  readonly batched: number;
  /** Messages of which nothing was to be tracked, by reason, since the start. */
  readonly others: Readonly<Record<OtherReason, number>>;
  /** Messages in which no event could be read, by shape, whatever became of them; without those that a rule leaves out. */
  readonly unread: Readonly<Record<Shape, number>>;
  /** Other rules hold from the next message on. */
  reload(rules: readonly Rule[]): void;
  /** Dense by index, growing; 0 is `other`, then the types that rules name, then types in order of arrival. */
  readonly types: readonly EventType[];
}

/**
 * Compiles pointers and rules; throws a TypeError for a malformed pointer, which is the operator's to correct. `others` are asked
 * before plain JSON, which has what no other protocol claims.
 */
export function createDecoder(options: DecodeOptions, others: readonly CreateProtocol[] = []): Decoder {
  const types = createEventTypes(options.rules, options.maxTypes, options.unread === 'track');
  const create = (protocol: CreateProtocol) => protocol(options, types);
  const [first, ...rest] = [...others.map(create), createJsonProtocol(options, types)];
  const facts = new Facts(types.table.types[0]!);
  let { rules } = options;
  return {
    get tracks() {
      return types.unread.tracked || anyTracks(rules);
    },
    reload(next) {
      rules = next;
      types.table.reload(createRuleBook(next));
      types.unread.reload(next);
    },
    open: createChoice([first!, ...rest]),
    unreadable(shape) {
      const found = types.unread.take(shape);
      return found && facts.bare(found, 0);
    },
    get batched() {
      return types.batched;
    },
    others: types.others,
    unread: types.unread.counts,
    types: types.table.types,
  };
}

/** Whether a rule tracks; those behind one for everything never decide. */
function anyTracks(rules: readonly Rule[]): boolean {
  const all = rules.findIndex(({ match }) => match.includes('*'));
  return (all < 0 ? rules : rules.slice(0, all + 1)).some(({ track }) => track);
}
