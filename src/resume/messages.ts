// resume: the messages between sidecar and SDK: what we say, and what a client's text frame says to us.

/**
 * The first frame of an opted-in connection. `next` is the ordinal of the next message that is not a replay; `rejoined`: the
 * backend's connection is the one from before, so nothing has to be said to it again.
 */
export function welcomeText(
  session: string,
  token: string,
  next: number,
  recovered: boolean,
  rejoined: boolean,
): Buffer {
  return Buffer.from(
    JSON.stringify({ ackspan: 'welcome', session, token, next, recovered, ...(rejoined && { rejoined }) }),
  );
}

/** Announces that the next frame is message `n` again. */
export function replayText(n: number): Buffer {
  return Buffer.from(`{"ackspan":"replay","n":${n}}`);
}

const NOTICE = Buffer.from('{"ackspan":"replay"');

/** Whether the client would take the upstream's message `buf[start, end)` for a notice of ours (it looks at the exact spelling). */
export function looksLikeNotice(buf: Buffer, start: number, end: number): boolean {
  return end - start > NOTICE.length && buf.compare(NOTICE, 0, NOTICE.length, start, start + NOTICE.length) === 0;
}

/** A message of the SDK. `invalid`: ours by its form, but it says nothing that can be true. */
export type ClientMessage =
  | { readonly kind: 'confirm'; readonly through: number; readonly also: readonly number[] }
  | { readonly kind: 'reject'; readonly n: number; readonly reason: string }
  | { readonly kind: 'invalid' };

const MARK = '{"ackspan":';
const ALSO_LIMIT = 1024;
const INVALID: ClientMessage = { kind: 'invalid' };

/** Reads `buf[start, end)`; undefined = it is not ours and belongs to the upstream. Never throws. */
export function readClientMessage(buf: Buffer, start: number, end: number): ClientMessage | undefined {
  if (end - start < MARK.length || buf.toString('latin1', start, start + MARK.length) !== MARK) return undefined;
  let message: { ackspan?: unknown; through?: unknown; also?: unknown; n?: unknown; reason?: unknown };
  try {
    message = JSON.parse(buf.toString('utf8', start, end));
  } catch {
    // Looks like ours and is not JSON: the upstream may know what it is.
    return undefined;
  }
  if (message.ackspan === 'confirm') {
    const { through, also = [] } = message;
    if (!isOrdinal(through) || !Array.isArray(also) || also.length > ALSO_LIMIT || !also.every(isOrdinal))
      return INVALID;
    return { kind: 'confirm', through, also };
  }
  if (message.ackspan !== 'reject') return undefined;
  const { n, reason } = message;
  if (!isOrdinal(n) || n === 0) return INVALID;
  return { kind: 'reject', n, reason: typeof reason === 'string' ? reason : '' };
}

function isOrdinal(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
