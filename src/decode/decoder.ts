// decode: message bytes → an event to track, or the shape of what holds none, or a confirmation, by the operator's rules. Pure; never throws on input.
import type { EventType } from '../delivery/policy.ts';
import type { EventFacts } from '../delivery/record.ts';
import { BatchScan, startsBatch } from './batch.ts';
import { type ConfirmationMatcher, createConfirmationReader, type ReadConfirmation } from './confirmation.ts';
import { JsonMessage, type Unreadable } from './json.ts';
import { createPaths, FOUND, type PathNode } from './paths.ts';
import { createRuleBook, type Rule } from './rules.ts';
import { NO_BYTES } from './scan.ts';
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
   * `split` (default true): a message that holds several events answers the first, and `more` says that `next` has another.
   */
  event(buf: Buffer, start: number, end: number, bytes?: number, split?: boolean): EventFacts | undefined;
  /** Ids of events of that message that a rule leaves out: a word on such an id may be about them. Valid until the next call. */
  readonly leftOut: readonly string[];
  /** Whether the message given to `event` last may hold another event. */
  readonly more: boolean;
  /** The next event of that message, whose bytes must still be there; undefined = there is none. */
  next(): EventFacts | undefined;
  /** Events so far that were not the first of their message. */
  readonly batched: number;
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

const OPEN_ARRAY = 0x5b;

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

  const leftOut: string[] = [];

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
    if (found === undefined) {
      if (message.broken) return 'not_json';
      const passed = message.firstText(ids, true);
      if (passed !== undefined) leftOut.push(passed);
      return 'untracked';
    }
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

  const batch = new BatchScan();
  /** The objects of the message under way that are still to be looked at. */
  const rest = { buf: NO_BYTES, at: 0, count: 0 };
  let batched = 0;

  /** The next event to track among the objects of the message. Behind the last object the bytes are let go of. */
  function nextPart(): EventFacts | undefined {
    let reason: OtherReason | '' = 'no_type';
    while (reason !== '' && rest.at < rest.count) {
      const [start, end] = [batch.starts[rest.at]!, batch.ends[rest.at]!];
      rest.at++;
      reason = gather(rest.buf, start, end, end - start);
    }
    message.release();
    if (rest.at >= rest.count) rest.buf = NO_BYTES;
    return reason === '' ? facts : undefined;
  }

  /** Takes the message apart: whether it has several objects, all of them whole, and which of them is an event. */
  function open(buf: Buffer, start: number, end: number): OtherReason | 'many' | '' | undefined {
    const count = batch.split(buf, start, end);
    if (count <= 0) return count === 0 ? undefined : 'many';
    let found: OtherReason | '' = 'no_type';
    for (let i = 0; i < count; i++) {
      const reason = gather(buf, batch.starts[i]!, batch.ends[i]!, batch.ends[i]! - batch.starts[i]!);
      if (reason === 'not_json' || reason === 'invalid_utf8') return undefined;
      if (reason === '' || (reason === 'untracked' && found !== '')) found = reason;
    }
    message.release();
    if (found === '') Object.assign(rest, { buf, at: 0, count });
    return found;
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
    leftOut,
    event(buf, start, end, bytes = end - start, split = true) {
      leftOut.length = 0;
      const reason = gather(buf, start, end, bytes);
      message.release();
      rest.at = rest.count = 0;
      if (reason === '') return facts;
      if (reason !== 'untracked') {
        const first = firstVisible(buf, start, end);
        const whole = bytes <= end - start && bytes <= options.scanBytes;
        const parts = split && whole && reason !== 'no_type' && startsBatch(first) ? open(buf, start, end) : undefined;
        if (parts === '') return nextPart();
        if (parts === 'untracked') {
          others.untracked++;
          return undefined;
        }
        const shape = shapeOf(
          parts === 'no_type' && first !== OPEN_ARRAY ? 'no_type' : reason,
          first,
          parts === 'many',
        );
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
    get more() {
      return rest.at < rest.count;
    },
    next() {
      const found = nextPart();
      if (found !== undefined) batched++;
      return found;
    },
    get batched() {
      return batched;
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
