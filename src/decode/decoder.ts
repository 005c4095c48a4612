// decode: reads the messages of all connections: joins the shared rules and types with the protocols.
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

/** One decoder per process: it knows every event type. */
export interface Decoder {
  /** Whether any message could be tracked: by a rule, or for its shape. */
  readonly tracks: boolean;
  /** A reader for the messages of one connection, of the protocol that it speaks. */
  open(upgrade: Upgrade): MessageReader;
  /**
   * The facts to track of a message that is not read. Its size is not known then (0), and nothing
   * is counted in `others`.
   */
  unreadable(shape: Shape): EventFacts | undefined;
  /** Number of events that were not the first of their message. */
  readonly batched: number;
  /** Number of messages without anything to track, by reason, since the start. */
  readonly others: Readonly<Record<OtherReason, number>>;
  /**
   * Number of messages in which no event could be read, by shape, tracked or not. Messages that a
   * rule leaves out do not count.
   */
  readonly unread: Readonly<Record<Shape, number>>;
  /** Other rules hold from the next message on. */
  reload(rules: readonly Rule[]): void;
  /**
   * Dense by index, growing; 0 is `other`, then the types that rules name, then types in order of
   * arrival.
   */
  readonly types: readonly EventType[];
  /**
   * The type of that name, as an event of it would have it; one that the rules leave out has the
   * policy of `other`.
   */
  typeNamed(name: string): EventType;
}

/**
 * Compiles pointers and rules. Throws a TypeError for a malformed pointer, which is the operator's
 * to correct. `others` are asked before plain JSON, which reads what no other protocol claims.
 */
export function createDecoder(options: DecodeOptions, others: readonly CreateProtocol[] = []): Decoder {
  const types = createEventTypes(options.rules, options.maxTypes, options.unread === 'track');
  const create = (protocol: CreateProtocol) => protocol(options, types);
  const [first, ...rest] = [...others.map(create), createJsonProtocol(options, types)];
  const facts = new Facts(types.table.types[0]!);
  const tracksAny = (rules: readonly Rule[]) => types.unread.tracked || anyTracks(rules);
  let tracks = tracksAny(options.rules);
  return {
    get tracks() {
      return tracks;
    },
    reload(next) {
      types.table.reload(createRuleBook(next));
      types.unread.reload(next);
      tracks = tracksAny(next);
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
    typeNamed(name) {
      const bytes = Buffer.from(name, 'utf8');
      return types.table.find(bytes, 0, bytes.length) ?? { ...types.table.types[0]!, name };
    },
  };
}

/** Whether any rule tracks. Rules behind one that matches everything never decide. */
function anyTracks(rules: readonly Rule[]): boolean {
  const all = rules.findIndex(({ match }) => match.includes('*'));
  return (all < 0 ? rules : rules.slice(0, all + 1)).some(({ track }) => track);
}
