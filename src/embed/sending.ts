// embed: one tracked event as the library holds it: a core session of its own, because nothing is known about the order between sockets.
import { type Owner, Session } from '../delivery/session.ts';

/** One call of the retry callback. Mutable while it runs. */
export interface Retry {
  /** 2 is the first try after the send. */
  readonly number: number;
  /** ms since the epoch where it is shown (`statusOf`); monotonic in here. */
  readonly at: number;
  /**
   * `running`: the callback was called and has not answered; when the next retry is due, or the event gets its outcome, that
   * is settled. `blocked`: the callback was not called, because too many calls had not answered or the outcome came first.
   */
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
  /** Calls of the retry callback that have not answered yet, late ones included. */
  running = 0;
  retries: readonly Retry[] = NONE;

  constructor(key: string, owner: Owner, data: unknown) {
    super(key, owner);
    this.data = data;
  }
}
