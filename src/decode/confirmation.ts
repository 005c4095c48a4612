// decode: a client's message → what the application confirms with it, or undefined for a message of the upstream.
import { BatchScan } from './batch.ts';
import { JsonMessage } from './json.ts';
import { createPaths, FOUND } from './paths.ts';

/**
 * The form of a confirmation message: `type` is the value at any of the type pointers, the others
 * are JSON pointers.
 */
export interface ConfirmationMatcher {
  readonly type: string;
  readonly id: string;
  readonly status: string;
  readonly error: string;
}

/** An application's confirmation or rejection of one event. */
export interface Confirmation {
  readonly eventId: string;
  readonly rejected: boolean;
  /** The application's error text, at most 256 UTF-16 units; '' when there is none. */
  readonly error: string;
  /**
   * Whether the upstream waits for this message too. Left out: the message is for the sidecar
   * alone, and is cut from the stream.
   */
  readonly forward?: boolean;
  /** The next confirmation in the message. Left out: there is none. */
  readonly next?: Confirmation | undefined;
}

/** Longest `error` that is kept, UTF-16 units. */
const MAX_ERROR_LENGTH = 256;

const CONFIRMED = Buffer.from('confirmed');
const REJECTED = ['failed', 'error', 'rejected'].map((word) => Buffer.from(word));

/**
 * Reads `buf[start, end)` as a confirmation; undefined = it is none, so it must be forwarded. A
 * confirmation is a whole JSON object (within `scanBytes`) that has the type and the id (string or
 * number) of a matcher, and a known status: absent, null or `confirmed` confirms; `failed`, `error`
 * or `rejected` rejects. A message with any other status is forwarded, because swallowing it would
 * lose it. The first matcher that fits decides. A message of up to 64 objects, as one of several
 * events may have them (`batch.ts`), holds a confirmation in each object that is one; where another
 * object is none, the upstream waits for the message too. Never throws.
 */
export type ReadConfirmation = (buf: Buffer, start: number, end: number) => Confirmation | undefined;

/** Compiles matchers; throws a TypeError for a malformed pointer. */
export function createConfirmationReader(
  matchers: readonly ConfirmationMatcher[],
  typePointers: readonly string[],
  scanBytes: number,
): ReadConfirmation {
  const paths = createPaths([...typePointers, ...matchers.flatMap((one) => [one.id, one.status, one.error])]);
  const types = typePointers.map(paths.node);
  const compiled = matchers.map((one) => ({
    type: Buffer.from(one.type),
    id: [paths.node(one.id)],
    status: paths.node(one.status),
    error: paths.node(one.error),
  }));
  const message = new JsonMessage(paths.root, scanBytes);

  function match(matcher: (typeof compiled)[number]): Confirmation | undefined {
    if (!types.some((path) => message.equals(path, matcher.type))) return undefined;
    const eventId = message.firstText(matcher.id, true);
    if (eventId === undefined) return undefined;
    const confirmed = message.found(matcher.status) === FOUND.nothing || message.equals(matcher.status, CONFIRMED);
    const rejected = !confirmed && REJECTED.some((word) => message.equals(matcher.status, word));
    if (!confirmed && !rejected) return undefined;
    const said = message.found(matcher.error);
    const spoken = said === FOUND.ascii || said === FOUND.utf8 || said === FOUND.escaped;
    const error = spoken ? shortened(message.text(matcher.error)) : '';
    return message.broken ? undefined : { eventId, rejected, error };
  }

  function matched(): Confirmation | undefined {
    let confirmation: Confirmation | undefined;
    for (let i = 0; i < compiled.length && confirmation === undefined; i++) confirmation = match(compiled[i]!);
    return confirmation;
  }

  const batch = new BatchScan();

  /** The confirmations of a message of several objects, or of one that RS ends. */
  function several(buf: Buffer, start: number, end: number): Confirmation | undefined {
    const count = batch.split(buf, start, end);
    const found: Confirmation[] = [];
    for (let i = 0; i < count; i++) {
      const [from, to] = [batch.starts[i]!, batch.ends[i]!];
      if (message.read(buf, from, to, to - from) !== '') return undefined;
      const one = matched();
      if (message.broken) return undefined;
      if (one !== undefined) found.push(one);
    }
    const forward = found.length < count;
    return found.reduceRight<Confirmation | undefined>((next, one) => ({ ...one, forward, next }), undefined);
  }

  return (buf, start, end) => {
    // A message that is read only in part could contradict itself further on, so it is left alone.
    if (end - start > scanBytes) return undefined;
    const whole = message.read(buf, start, end, end - start) === '';
    const confirmation = whole ? matched() : several(buf, start, end);
    message.release();
    return confirmation;
  };
}

/**
 * Cuts between characters, and copies, because a slice of a V8 string keeps the whole string alive.
 */
function shortened(text: string): string {
  if (text.length <= MAX_ERROR_LENGTH) return text;
  const code = text.charCodeAt(MAX_ERROR_LENGTH - 1);
  const length = code >= 0xd800 && code <= 0xdbff ? MAX_ERROR_LENGTH - 1 : MAX_ERROR_LENGTH;
  return Buffer.from(text.slice(0, length), 'utf16le').toString('utf16le');
}
