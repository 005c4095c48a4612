// connection: sends kept messages again, within what one connection and the whole process can bear (SPEC R8).
import type { Delivery } from '../delivery/record.ts';
import type { AttemptResult } from '../delivery/words.ts';
import { Budget } from '../resume/budget.ts';
import { replayText } from '../resume/messages.ts';

/** Messages that may be sent again on one connection, at once and per second. */
const PER_CONNECTION = { burst: 64, perSecond: 32 };
/** Messages that may be sent again on all connections: a fraction of what one instance relays. */
const IN_ALL = { burst: 2000, perSecond: 1000 };

/** Creates the budget that all connections of a process share. */
export function createResendBudget(): Budget {
  return new Budget(IN_ALL.burst, IN_ALL.perSecond);
}

/** A connection over which messages are sent again. */
interface Way {
  /** Whether the client reads what it is sent. */
  readonly flowing: boolean;
  sendMessage(data: Uint8Array, binary?: boolean): void;
}

/** The messages that one connection sends again. */
export class Resends {
  readonly #own = new Budget(PER_CONNECTION.burst, PER_CONNECTION.perSecond);
  readonly #all: Budget;

  /** `all` is the budget that all connections share. */
  constructor(all: Budget) {
    this.#all = all;
  }

  /**
   * Sends a kept message again. `announced` = the client has opted in, and is told first which
   * message comes.
   */
  resend(way: Way, { payload, binary, ordinal }: Delivery, announced: boolean, now: number): AttemptResult {
    if (payload === undefined) return 'failed';
    if (!way.flowing || !this.#own.take(now) || !this.#all.take(now)) return 'blocked';
    if (announced) way.sendMessage(replayText(ordinal));
    way.sendMessage(payload, binary);
    return 'sent';
  }
}
