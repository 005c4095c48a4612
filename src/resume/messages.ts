// resume: the messages between sidecar and SDK, in both directions.

/** The content of a welcome, the first message to a client that has opted in. */
export interface Greeting {
  readonly session: string;
  readonly token: string;
  /** Ordinal of the next message that is not a replay. */
  readonly next: number;
  /** Whether the session is the one that was asked for. */
  readonly recovered: boolean;
  /**
   * Whether the backend's connection is the earlier one, so that the application need not repeat
   * anything to it.
   */
  readonly rejoined: boolean;
  /** Highest serial of an SDK message that was taken in in this session; 0 = none. */
  readonly heard: number;
  /** How long the path may be silent before the client gives it up, ms; 0 = for ever. */
  readonly silence: number;
}

/**
 * Longest silence, ms, about three days: the client's timers count in 31 bits, and it waits for
 * small multiples of this.
 */
const SILENCE_LIMIT = 2 ** 28;

/** The welcome: the first frame of an opted-in connection. */
export function welcomeText({ rejoined, heard, silence, ...rest }: Greeting): Buffer {
  const { session, token, next, recovered } = rest;
  return Buffer.from(
    JSON.stringify({
      ...{ ackspan: 'welcome', session, token, next, recovered },
      ...(rejoined && { rejoined }),
      ...(heard > 0 && { heard }),
      silence: Math.min(silence, SILENCE_LIMIT),
    }),
  );
}

/** The notice that the next frame is message `n` again. */
export function replayText(n: number): Buffer {
  return Buffer.from(`{"ackspan":"replay","n":${n}}`);
}

/** The acknowledgement of every frame of the SDK up to this serial. */
export function heardText(serial: number): Buffer {
  return Buffer.from(`{"ackspan":"heard","s":${serial}}`);
}

const NOTICES = [Buffer.from('{"ackspan":"replay"'), Buffer.from('{"ackspan":"heard"')];

/**
 * Whether the client would take the upstream's message `buf[start, end)` for a notice of ours. The
 * client looks at the exact spelling.
 */
export function looksLikeNotice(buf: Buffer, start: number, end: number): boolean {
  for (const notice of NOTICES) {
    const { length } = notice;
    if (end - start > length && buf.compare(notice, 0, length, start, start + length) === 0) return true;
  }
  return false;
}

/**
 * A message of the SDK. `invalid`: the message has the form of one, and its content cannot be true.
 */
export type ClientMessage = {
  /**
   * Orders the frames of one SDK, from 1. 0 = no serial (an older SDK), or none that can be true.
   */
  readonly serial: number;
} & (
  | { readonly kind: 'confirm'; readonly through: number; readonly also: readonly number[] }
  | { readonly kind: 'reject'; readonly n: number; readonly reason: string }
  | { readonly kind: 'still' }
  | { readonly kind: 'invalid' }
);

const MARK = '{"ackspan":';
const ALSO_LIMIT = 1024;
/**
 * Reads `buf[start, end)`; undefined = it is no SDK message and belongs to the upstream. Never
 * throws.
 */
export function readClientMessage(buf: Buffer, start: number, end: number): ClientMessage | undefined {
  if (end - start < MARK.length || buf.toString('latin1', start, start + MARK.length) !== MARK) return undefined;
  let message: Readonly<Record<string, unknown>>;
  try {
    message = JSON.parse(buf.toString('utf8', start, end));
  } catch {
    // The text begins like an SDK message and is no JSON: the upstream may know what it is.
    return undefined;
  }
  const { ackspan, s } = message;
  const serial = isOrdinal(s) ? s : 0;
  if (ackspan === 'confirm') {
    const { through, also = [] } = message;
    if (!isOrdinal(through) || !Array.isArray(also) || also.length > ALSO_LIMIT || !also.every(isOrdinal))
      return { kind: 'invalid', serial };
    return { kind: 'confirm', through, also, serial };
  }
  // A message without a serial cannot be acknowledged.
  if (ackspan === 'still') return { kind: serial === 0 ? 'invalid' : 'still', serial };
  if (ackspan !== 'reject') return undefined;
  const { n, reason } = message;
  if (!isOrdinal(n) || n === 0) return { kind: 'invalid', serial };
  return { kind: 'reject', n, reason: typeof reason === 'string' ? reason : '', serial };
}

function isOrdinal(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
