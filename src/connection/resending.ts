// connection: sends kept messages again on their schedule, within what one connection and the whole process can bear (SPEC R8).
import type { Delivery } from '../delivery/record.ts';
import type { AttemptResult } from '../delivery/words.ts';
import { Budget } from '../resume/budget.ts';
import { replayText } from '../resume/messages.ts';

/** Messages that may be sent again on one connection: so many at once, and so many a second. */
const PER_CONNECTION = { burst: 64, perSecond: 32 };
/** The same over all connections: a fraction of what one instance relays. */
const IN_ALL = { burst: 2000, perSecond: 1000 };

/** What all connections of a process may send again together. */
export function createResendBudget(): Budget {
  return new Budget(IN_ALL.burst, IN_ALL.perSecond);
}

/** A connection as far as messages are sent again over it. */
interface Way {
  /** Whether the client reads what it is sent. */
  readonly flowing: boolean;
  sendText(data: Uint8Array): void;
}

/** What one connection may send again. */
export class Resends {
  readonly #own = new Budget(PER_CONNECTION.burst, PER_CONNECTION.perSecond);
  readonly #all: Budget;

  /** `all`: what all connections share. */
  constructor(all: Budget) {
    this.#all = all;
  }

  /** `announced`: the client has opted in, and is told first which message comes again. */
  resend(way: Way, { payload, ordinal }: Delivery, announced: boolean, now: number): AttemptResult {
    if (payload === undefined) return 'failed';
    if (!way.flowing || !this.#own.take(now) || !this.#all.take(now)) return 'blocked';
    if (announced) way.sendText(replayText(ordinal));
    way.sendText(payload);
    return 'sent';
  }
}
