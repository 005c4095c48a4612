// One tracked event as the library holds it: a core session of its own, because nothing is known about the order between sockets.
import { type Owner, Session } from '../delivery/session.ts';

/** One call of the retry callback. Mutable while it runs. */
export interface Retry {
  /** 2 is the first try after the send. */
  readonly number: number;
  /** ms since the epoch where it is shown (`statusOf`); monotonic in here. */
  readonly at: number;
  /** `blocked`: the call before had not answered yet. */
  result: 'running' | 'sent' | 'blocked' | 'failed';
  error: string;
}

/** Shared by events without a retry, which are nearly all. */
const NONE: readonly Retry[] = [];

/** In the sidecar a session is a connection, and one confirmation proves what came before it; here each event stands alone. */
export class Sending extends Session {
  /** What the retry callback will be given; undefined as soon as no retry can need it (SPEC D11). */
  data: unknown;
  /** 0 until the backend says that its send returned; ms since the epoch. */
  markedSentAt = 0;
  /** Why the latest try failed. */
  error = '';
  /** The latest try failed and another one is due. */
  failing = false;
  /** A call of the retry callback has not answered yet. */
  running = false;
  retries: readonly Retry[] = NONE;

  constructor(key: string, owner: Owner, data: unknown) {
    super(key, owner);
    this.data = data;
  }
}
