// The opt-in protocol as the SDK speaks it: the URL's query, and which text frames are the sidecar's and which the application's.

/** What a client asks to resume. The token is the sidecar's: opaque, new with each welcome. */
export interface Resumption {
  readonly session: string;
  readonly token: string;
  /** Highest ordinal that need not come again. */
  readonly last: number;
}

/** First frame of a connection that has a sidecar in front. */
export interface Welcome {
  readonly session: string;
  readonly token: string;
  /** Ordinal of the next message that is not a replay, from 1. */
  readonly next: number;
  /** Whether the session is the one that was asked for; else it is a new one. */
  readonly recovered: boolean;
  /** Whether the backend's connection is the one that the client had: for the backend, nothing happened. */
  readonly rejoined?: boolean;
}

/** What a frame is: the welcome, a notice that is not for the application (undefined), or a message: the ordinal announced for it, or 0. */
export type Frame = Welcome | undefined | number;

/** Exact spelling, so that as few application messages as possible can be mistaken for it. */
const REPLAY = /^\{"ackspan":"replay","n":(\d+)\}$/;

/** The query that opts in; with a resumption, it asks for that session. Without `?` or `&` in front. */
export function optInQuery(resumption: Resumption | null): string {
  if (!resumption) return 'ackspan=1';
  const { session, token, last } = resumption;
  return `ackspan=1&ackspan_session=${encodeURIComponent(session)}&ackspan_token=${encodeURIComponent(token)}&ackspan_last=${last}`;
}

/**
 * Tells what each frame of one connection is; call it with every frame, in order. Only the very first frame can be a welcome,
 * and without one there is no sidecar: every frame is a message. The frame after a notice is a message, whatever it says.
 */
export function createFrameReader(): (data: unknown) => Frame {
  let first = true;
  let welcome: Welcome | undefined;
  let announced = 0;
  return (data) => {
    if (first) {
      first = false;
      welcome = parseWelcome(data);
      if (welcome) return welcome;
    }
    const n = announced;
    const notice = n === 0 && welcome && typeof data === 'string' && REPLAY.exec(data);
    announced = notice ? Number(notice[1]) : 0;
    return notice ? undefined : n;
  };
}

function parseWelcome(data: unknown): Welcome | undefined {
  if (typeof data !== 'string' || !data.startsWith('{"ackspan":"welcome",')) return undefined;
  try {
    const welcome = JSON.parse(data);
    return welcome.next > 0 ? welcome : undefined;
  } catch {
    // Not JSON after all: an application's message, and no sidecar.
    return undefined;
  }
}
