// resume: the messages between sidecar and SDK: what we say, and what a client's text frame says to us.

/** What a client that has opted in is told first. */
export interface Greeting {
  readonly session: string;
  readonly token: string;
  /** Ordinal of the next message that is not a replay. */
  readonly next: number;
  /** The session is the one that was asked for. */
  readonly recovered: boolean;
  /** The backend's connection is the one from before, so nothing has to be said to it again. */
  readonly rejoined: boolean;
  /** Highest serial of a word that was taken in in this session; 0 = none. */
  readonly heard: number;
  /** How long the path may be silent before the client gives it up, ms; 0 = for ever. */
  readonly silence: number;
}

/** The client's timers count in 31 bits, and it waits for small multiples of this, ms: about three days. */
const SILENCE_LIMIT = 2 ** 28;

/** The first frame of an opted-in connection. */
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

/** Announces that the next frame is message `n` again. */
export function replayText(n: number): Buffer {
  return Buffer.from(`{"ackspan":"replay","n":${n}}`);
}

/** Says that every frame of the SDK up to this serial has been taken in. */
export function heardText(serial: number): Buffer {
  return Buffer.from(`{"ackspan":"heard","s":${serial}}`);
}

const NOTICES = [Buffer.from('{"ackspan":"replay"'), Buffer.from('{"ackspan":"heard"')];

/** Whether the client would take the upstream's message `buf[start, end)` for a notice of ours (it looks at the exact spelling). */
export function looksLikeNotice(buf: Buffer, start: number, end: number): boolean {
  for (const notice of NOTICES) {
    const { length } = notice;
    if (end - start > length && buf.compare(notice, 0, length, start, start + length) === 0) return true;
  }
  return false;
}

/** A message of the SDK. `invalid`: ours by its form, but it says nothing that can be true. */
export type ClientMessage = {
  /** Orders the frames of one SDK, from 1; 0 = it has none (an older SDK), or none that can be true. */
  readonly serial: number;
} & (
  | { readonly kind: 'confirm'; readonly through: number; readonly also: readonly number[] }
  | { readonly kind: 'reject'; readonly n: number; readonly reason: string }
  | { readonly kind: 'still' }
  | { readonly kind: 'invalid' }
);

const MARK = '{"ackspan":';
const ALSO_LIMIT = 1024;
/** Reads `buf[start, end)`; undefined = it is not ours and belongs to the upstream. Never throws. */
export function readClientMessage(buf: Buffer, start: number, end: number): ClientMessage | undefined {
  if (end - start < MARK.length || buf.toString('latin1', start, start + MARK.length) !== MARK) return undefined;
  let message: Readonly<Record<string, unknown>>;
  try {
    message = JSON.parse(buf.toString('utf8', start, end));
  } catch {
    // Looks like ours and is not JSON: the upstream may know what it is.
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
  // Nobody can be answered without a serial.
  if (ackspan === 'still') return { kind: serial === 0 ? 'invalid' : 'still', serial };
  if (ackspan !== 'reject') return undefined;
  const { n, reason } = message;
  if (!isOrdinal(n) || n === 0) return { kind: 'invalid', serial };
  return { kind: 'reject', n, reason: typeof reason === 'string' ? reason : '', serial };
}

function isOrdinal(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
