// decode: protocol "plain JSON": a message is one JSON object, or several; its fields are found by pointers.
import type { EventType } from '../delivery/policy.ts';
import type { EventFacts } from '../delivery/record.ts';
import { BatchScan, startsBatch } from './batch.ts';
import { createConfirmationReader } from './confirmation.ts';
import { type EventTypes, Facts, type OtherReason } from './event-types.ts';
import { firstBytes } from './first-bytes.ts';
import { InsideScan } from './inside.ts';
import { JsonMessage } from './json.ts';
import type { DecodeOptions } from './options.ts';
import { createPaths, FOUND, type PathNode } from './paths.ts';
import type { MessageReader, WireProtocol } from './protocol.ts';
import { NO_BYTES } from './scan.ts';
import { type Shape, shapeOf } from './unread.ts';

const OPEN_ARRAY = 0x5b;
/** First bytes of confirmations beside that of an object: of an array, and RS. */
const BEGINS = firstBytes('[\x1e');

/**
 * Reads every connection that no other protocol claims. A message needs no knowledge of earlier
 * ones, so one reader serves all connections. Throws a TypeError for a malformed pointer.
 */
export function createJsonProtocol(options: DecodeOptions, types: EventTypes): WireProtocol {
  const reader = createJsonReader(options, types);
  return {
    name: 'json',
    matchesUpgrade: () => 'maybe',
    matchesMessage: () => 'maybe',
    begins: BEGINS,
    open: () => reader,
  };
}

function createJsonReader(options: DecodeOptions, eventTypes: EventTypes): MessageReader {
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
  const { table, unread: unreads, others } = eventTypes;
  const facts = new Facts(table.types[0]!);

  const leftOut: string[] = [];
  let mayHide = false;

  function typeAt(path: PathNode, buf: Buffer): EventType | undefined {
    if (path.found !== FOUND.escaped) return table.find(buf, path.start, path.end);
    const name = Buffer.from(message.text(path), 'utf8');
    return message.broken ? undefined : table.find(name, 0, name.length);
  }

  function gather(buf: Buffer, start: number, end: number, bytes: number): OtherReason | '' {
    const unreadable = message.read(buf, start, end, bytes);
    if (unreadable !== '') return unreadable;
    const typePath = message.first(types, false);
    const found = typePath && typeAt(typePath, buf);
    if (found === undefined) {
      if (message.broken) return 'not_json';
      leaveOut();
      return typePath === undefined ? 'no_type' : 'untracked';
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

  /** Remembers the id of an object that is not tracked as an event. */
  function leaveOut(): void {
    const passed = message.firstText(ids, true);
    if (passed !== undefined) leftOut.push(passed);
  }

  const inside = new InsideScan();

  /** Leaves out the objects of a message of `bytes` bytes that is not taken apart. */
  function leaveOutAll(buf: Buffer, start: number, end: number, bytes: number): void {
    const limit = Math.min(end, start + options.scanBytes);
    const all = inside.each(buf, start, limit, bytes > limit - start, (from, to) => {
      if (message.read(buf, from, to, to - from) === '') leaveOut();
    });
    message.release();
    mayHide = !all;
  }

  const batch = new BatchScan();
  /** The objects of the message under way that are still to be read. */
  const rest = { buf: NO_BYTES, at: 0, count: 0 };

  /**
   * The next event to track among the objects of the message. Releases the bytes behind the last
   * object.
   */
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

  /**
   * Takes the message apart: whether it has several objects, all of them whole, and which of them
   * is an event.
   */
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

  /** The facts of a message without an event: it is tracked as an event of its shape. */
  function unread(shape: Shape, bytes: number): EventFacts | undefined {
    const found = unreads.take(shape);
    return found && facts.bare(found, bytes);
  }

  return {
    begins: BEGINS,
    readsBinary: true,
    leftOut,
    get mayHide() {
      return mayHide;
    },
    event(buf, start, end, bytes = end - start, split = true, binary = false) {
      leftOut.length = 0;
      mayHide = false;
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
        if (reason !== 'no_type') leaveOutAll(buf, start, end, bytes);
        const why = parts === 'no_type' && first !== OPEN_ARRAY ? 'no_type' : reason;
        const shape = binary ? 'binary' : shapeOf(why, first, parts === 'many');
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
      if (found !== undefined) eventTypes.batched++;
      return found;
    },
    confirmation: createConfirmationReader(options.confirmations, type, options.scanBytes),
  };
}

/** The first byte that is no white space; 0 = there is none. */
function firstVisible(buf: Buffer, start: number, end: number): number {
  for (let p = start; p < end; p++) if (buf[p]! > 0x20) return buf[p]!;
  return 0;
}
