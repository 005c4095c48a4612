// Decode: message bytes → an event to track, or the shape of what holds none, or a confirmation, by the operator's rules. Pure; never throws on input.
import type { EventType } from '../delivery/policy.ts';
import type { EventFacts } from '../delivery/record.ts';
import { type ConfirmationMatcher, createConfirmationReader, type ReadConfirmation } from './confirmation.ts';
import { JsonMessage, type Unreadable } from './json.ts';
import { createPaths, FOUND, type PathNode } from './paths.ts';
import { createRuleBook, type Rule } from './rules.ts';
import { TypeTable } from './type-table.ts';
import { createUnreadTypes, type Shape, shapeOf } from './unread.ts';

/** Where to look in a message, and what to do with what is found. The defaults are in `defaults.ts`. */
export interface DecodeOptions {
  /** JSON pointers (RFC 6901); of each list, the first that hits wins. A hit is a string of 1 to 1024 bytes. */
  readonly type: readonly string[];
  /** For id, run, user and toolCall a number is a hit too, as one text however it is spelled (`number.ts`). */
  readonly id: readonly string[];
  readonly run: readonly string[];
  readonly user: readonly string[];
  readonly tool: readonly string[];
  readonly toolCall: readonly string[];
  readonly traceparent: readonly string[];
  /** What becomes of messages that hold no event (SPEC D21). */
  readonly unread: 'track' | 'count';
  /** First match wins; a type that none matches is not tracked. */
  readonly rules: readonly Rule[];
  readonly confirmations: readonly ConfirmationMatcher[];
  /** How many types have an index and a label of their own beside `other`. Default 200. */
  readonly maxTypes: number;
  /** How far into a message fields are looked for, bytes. Default 65,536. */
  readonly scanBytes: number;
}

/** Why a message holds no event, or (`untracked`) one that the rules leave out: relayed all the same. */
export type OtherReason = 'untracked' | 'no_type' | Unreadable;

/** One per process: it knows every event type. */
export interface Decoder {
  /**
   * What is to be tracked of the upstream's message `buf[start, end)`: its event, or, where it holds none, its shape, size and
   * nothing else (SPEC D21). Undefined = nothing, and the reason is counted in `others`. The facts are ONE object, valid until the
   * next call. `bytes` is the message's true size where only its beginning is here (default end − start). Never throws.
   */
  event(buf: Buffer, start: number, end: number, bytes?: number): EventFacts | undefined;
  /** The same for a message that cannot be read at all; its size is not known then (0), and nothing is counted in `others`. */
  unreadable(shape: Shape): EventFacts | undefined;
  /** What the client's message `buf[start, end)` confirms; undefined = it is no confirmation and must be forwarded. Never throws. */
  readonly confirmation: ReadConfirmation;
  /** Messages of which nothing was to be tracked, by reason, since the start. */
  readonly others: Readonly<Record<OtherReason, number>>;
  /** Messages in which no event could be read, by shape, whatever became of them; without those that a rule leaves out. */
  readonly unread: Readonly<Record<Shape, number>>;
  /** Dense by index, growing; 0 is `other`, then the types that rules name, then types in order of arrival. */
  readonly types: readonly EventType[];
}

class Facts implements EventFacts {
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
}

/** Compiles pointers and rules; throws a TypeError for a malformed pointer, which is the operator's to correct. */
export function createDecoder(options: DecodeOptions): Decoder {
  const { type, id, run, user, tool, toolCall, traceparent } = options;
  const paths = createPaths([...type, ...id, ...run, ...user, ...tool, ...toolCall, ...traceparent]);
  const types = type.map(paths.node);
  const ids = id.map(paths.node);
  const runs = run.map(paths.node);
  const users = user.map(paths.node);
  const tools = tool.map(paths.node);
  const toolCalls = toolCall.map(paths.node);
  const traceparents = traceparent.map(paths.node);
  const message = new JsonMessage(paths.root, options.scanBytes);
  const table = new TypeTable(createRuleBook(options.rules), options.maxTypes);
  const unreads = createUnreadTypes(options.rules, table, options.unread === 'track');
  const facts = new Facts(table.types[0]!);
  const others = { untracked: 0, no_type: 0, not_json: 0, not_object: 0, invalid_utf8: 0 };

  function typeAt(path: PathNode, buf: Buffer): EventType | undefined {
    if (path.found !== FOUND.escaped) return table.find(buf, path.start, path.end);
    const name = Buffer.from(message.text(path), 'utf8');
    return message.broken ? undefined : table.find(name, 0, name.length);
  }

  function gather(buf: Buffer, start: number, end: number, bytes: number): OtherReason | '' {
    const unreadable = message.read(buf, start, end, bytes);
    if (unreadable !== '') return unreadable;
    const typePath = message.first(types, false);
    if (typePath === undefined) return 'no_type';
    const found = typeAt(typePath, buf);
    if (found === undefined) return message.broken ? 'not_json' : 'untracked';
    facts.type = found;
    facts.id = message.firstText(ids, true);
    facts.run = message.firstRepeated(runs, true);
    facts.user = message.firstRepeated(users, true);
    facts.tool = message.firstRepeated(tools, false);
    facts.toolCall = message.firstText(toolCalls, true);
    facts.traceparent = message.firstText(traceparents, false);
    facts.bytes = bytes;
    return message.broken ? 'not_json' : '';
  }

  /** A message without an event, as an event of its shape. */
  function unread(shape: Shape, bytes: number): EventFacts | undefined {
    const found = unreads.take(shape);
    if (found === undefined) return undefined;
    facts.type = found;
    facts.id = facts.run = facts.user = facts.tool = facts.toolCall = facts.traceparent = undefined;
    facts.bytes = bytes;
    return facts;
  }

  return {
    event(buf, start, end, bytes = end - start) {
      const reason = gather(buf, start, end, bytes);
      message.release();
      if (reason === '') return facts;
      if (reason !== 'untracked') {
        const shape = shapeOf(reason, firstVisible(buf, start, end));
        const found = unread(shape, bytes);
        if (found !== undefined) return found;
        if (unreads.leftOut(shape)) {
          others.untracked++;
          return undefined;
        }
      }
      others[reason]++;
      return undefined;
    },
    unreadable: (shape) => unread(shape, 0),
    confirmation: createConfirmationReader(options.confirmations, type, options.scanBytes),
    others,
    unread: unreads.counts,
    types: table.types,
  };
}

/** The first byte that is no white space; 0 = there is none. */
function firstVisible(buf: Buffer, start: number, end: number): number {
  for (let p = start; p < end; p++) if (buf[p]! > 0x20) return buf[p]!;
  return 0;
}
