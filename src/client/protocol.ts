// client: the opt-in protocol as the SDK speaks it: the URL's query, and which text frames are the sidecar's and which the application's.

/** What a client asks to resume. The token is the sidecar's: opaque, new with each welcome. */
export interface Resumption {
  readonly session: string;
  readonly token: string;
  /** Highest ordinal that need not come again. */
  readonly last: number;
  /** What the sidecar may not have heard: ordinals, with a reason where the application could not handle the message. */
  readonly words?: readonly (readonly [n: number, reason: string | null | undefined])[];
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
  /** How long the path may be silent, ms; 0 = for ever. Undefined: an older sidecar, which never says what it has heard. */
  readonly silence?: number;
  /** Serial of the last frame that the sidecar has heard in this session. */
  readonly heard?: number;
}

/**
 * What a frame is: the welcome, a notice that is not for the application (undefined), a message: the ordinal announced for it, or 0;
 * or the serial up to which the sidecar has heard everything, as a negative number.
 */
export type Frame = Welcome | undefined | number;

/** Exact spelling, so that as few application messages as possible can be mistaken for it. */
const NOTICE = /^\{"ackspan":"(?:replay","n|(heard)","s)":(\d+)\}$/;

/** The query that opts in; with a resumption, it asks for that session. Without `?` or `&` in front. */
export function optInQuery(resumption: Resumption | null): string {
  const asking = resumption && {
    ackspan_session: resumption.session,
    ackspan_token: resumption.token,
    ackspan_last: String(resumption.last),
  };
  return String(new URLSearchParams({ ackspan: '1', ...asking }));
}

/**
 * Tells what each frame of one connection is; call it with every frame, in order. Only the very first frame can be a welcome,
 * and without one there is no sidecar: every frame is a message. The frame after a notice is a message, whatever it says.
 */
export function createFrameReader(): (data: unknown) => Frame {
  /** Null before the first frame. */
  let welcome: Welcome | undefined | null = null;
  let announced = 0;
  return (data) => {
    if (welcome === null) {
      welcome = parseWelcome(data);
      if (welcome) return welcome;
    }
    const n = announced;
    announced = 0;
    const [, heard, number] = (!n && welcome && typeof data === 'string' && NOTICE.exec(data)) || [];
    // An older sidecar says no `heard`, and announces no message that is spelled like one.
    if (!number || (heard && welcome!.silence === undefined)) return n;
    if (heard) return -number;
    announced = +number;
    return undefined;
  };
}

function parseWelcome(data: unknown): Welcome | undefined {
  try {
    const welcome = JSON.parse(data as string);
    if ((data as string).startsWith('{"ackspan":"welcome",') && welcome.next > 0) return welcome;
  } catch {
    // An application's message, and no sidecar.
  }
  return undefined;
}
