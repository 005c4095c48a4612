// client: the opt-in protocol as the SDK speaks it: the URL's query, and which text frames are the sidecar's.

/** The parameters of a resume. The token is the sidecar's: opaque, new with each welcome. */
export interface Resumption {
  readonly session: string;
  readonly token: string;
  /** Highest ordinal that need not come again. */
  readonly last: number;
  /**
   * Results that the sidecar may not have heard: ordinals, with a reason where the application
   * could not handle the message.
   */
  readonly words?: readonly (readonly [n: number, reason: string | null | undefined])[];
}

/** The welcome: the first frame of a connection that has a sidecar in front. */
export interface Welcome {
  readonly session: string;
  readonly token: string;
  /** Ordinal of the next message that is not a replay, from 1. */
  readonly next: number;
  /** Whether the session is the one that was asked for; else it is a new one. */
  readonly recovered: boolean;
  /**
   * Whether the backend's connection is the one that the client had, so that the backend noticed
   * nothing.
   */
  readonly rejoined?: boolean;
  /**
   * How long the path may be silent, ms; 0 = for ever. Undefined: an older sidecar, which never
   * acknowledges.
   */
  readonly silence?: number;
  /** Serial of the last frame that the sidecar has taken in in this session. */
  readonly heard?: number;
}

/**
 * The meaning of a frame: a welcome; undefined = a notice that is not for the application; a number
 * from 0 = a message, with the ordinal announced for it, or 0; a negative number = the serial up to
 * which the sidecar acknowledges, negated.
 */
export type Frame = Welcome | undefined | number;

/**
 * The exact spelling of notices, so that as few application messages as possible can be mistaken
 * for one.
 */
const NOTICE = /^\{"ackspan":"(?:replay","n|(heard)","s)":(\d+)\}$/;

/**
 * The query that opts in. With a resumption, it asks for that session. Without `?` or `&` in front.
 */
export function optInQuery(resumption: Resumption | null): string {
  const asking = resumption && {
    ackspan_session: resumption.session,
    ackspan_token: resumption.token,
    ackspan_last: String(resumption.last),
  };
  return String(new URLSearchParams({ ackspan: '1', ...asking }));
}

/**
 * Reads the frames of one connection; call it with every frame, in order. Only the very first frame
 * can be a welcome, and without one there is no sidecar: every frame is a message. The frame after
 * a notice is a message, whatever its text.
 */
export function createFrameReader(): (data: unknown) => Frame {
  /** The welcome; null before the first frame. */
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
    // An older sidecar sends no `heard`, and announces no message that is spelled like one.
    if (!number || (heard && welcome!.silence === undefined)) return n;
    if (heard) return -number || undefined;
    announced = +number;
    return undefined;
  };
}

function parseWelcome(data: unknown): Welcome | undefined {
  try {
    const welcome = JSON.parse(data as string);
    if ((data as string).startsWith('{"ackspan":"welcome",') && welcome.next > 0) return welcome;
  } catch {
    // The frame is an application's message: there is no sidecar.
  }
  return undefined;
}
