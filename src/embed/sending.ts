// embed: one tracked event: a core session of its own, because the order between sockets is not known.
import { type Owner, Session } from '../delivery/session.ts';

/** One call of the retry callback. Mutable while it runs. */
export interface Retry {
  /** 2 is the first try after the send. */
  readonly number: number;
  /** ms since the epoch where it is shown (`statusOf`); monotonic in here. */
  readonly at: number;
  /**
   * `running`: the callback was called and has not returned. When the next retry is due, or the
   * event gets its outcome, the call is settled. `blocked`: the callback was not called, because
   * too many calls had not returned or the outcome came first.
   */
  result: 'running' | 'sent' | 'blocked' | 'failed';
  error: string;
}

/** The empty list of events without a retry, which are nearly all. */
const NONE: readonly Retry[] = [];

/**
 * In the sidecar a session is a connection, and one confirmation proves what came before it. Here
 * each event stands alone.
 */
export class Sending extends Session {
  /** The data for the retry callback; undefined as soon as no retry can need it (SPEC D11). */
  data: unknown;
  /** When the backend said that its send returned, ms since the epoch; 0 = not yet. */
  markedSentAt = 0;
  /** Why the latest try failed. */
  error = '';
  /** Whether the latest try failed and another one is due. */
  failing = false;
  /** Calls of the retry callback that have not returned yet, late ones included. */
  running = 0;
  retries: readonly Retry[] = NONE;

  constructor(key: string, owner: Owner, data: unknown) {
    super(key, owner);
    this.data = data;
  }
}
