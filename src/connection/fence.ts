// connection: evidence of a client while it is not clear which instance has its session: held back, and told later.
import type { Session } from '../delivery/session.ts';
import type { Tracker } from '../delivery/tracker.ts';
import type { ClientMessage } from '../resume/messages.ts';

/** Pieces of evidence that are held. More than that counts at once. */
const HELD_LIMIT = 10_000;

/** What another instance may also have gets no outcome here until the fence opens. */
export class Fence {
  #held: (() => void)[];

  /** Goes on in place of `earlier`. */
  constructor(earlier?: Fence) {
    this.#held = earlier === undefined ? [] : earlier.#held;
  }

  /** Whether there is evidence that is lost if the fence never opens. */
  get holds(): boolean {
    return this.#held.length > 0;
  }

  /** Evidence counts when the fence opens, with the time at which it came. */
  hold(evidence: () => void): void {
    if (this.#held.length < HELD_LIMIT) this.#held.push(evidence);
    else evidence();
  }

  /** Tells what is held, in order. */
  open(): void {
    const held = this.#held;
    this.#held = [];
    for (const evidence of held) evidence();
  }
}

type Told = Pick<Tracker, 'received' | 'processed'>;

/** Tells that the client has every message up to `through`. Without a fence it counts now. */
export function tellReceived(to: Told, session: Session, through: number, now: number, fence?: Fence): void {
  if (fence === undefined) to.received(session, through, now);
  else fence.hold(() => to.received(session, through, now));
}

/** A word of the client by event id, and the next one of the same message. */
interface Word {
  readonly eventId: string;
  readonly rejected: boolean;
  readonly error: string;
  readonly next?: Word | undefined;
}

export function tellWords(to: Told, session: Session, first: Word | undefined, now: number, fence?: Fence): void {
  for (let word = first; word !== undefined; word = word.next) {
    const { eventId, rejected, error } = word;
    if (fence === undefined) to.processed(session, eventId, rejected, error, now);
    else fence.hold(() => to.processed(session, eventId, rejected, error, now));
  }
}

/** Tells what a message of the SDK says. One that makes no sense names a message that never was. */
export function tellMessage(
  to: Pick<Tracker, 'processedThrough' | 'rejected'>,
  session: Session,
  message: ClientMessage,
  now: number,
): void {
  if (message.kind === 'confirm') to.processedThrough(session, message.through, message.also, now);
  else if (message.kind === 'reject') to.rejected(session, message.n, message.reason, now);
  else if (message.kind === 'invalid') to.processedThrough(session, Number.MAX_SAFE_INTEGER, [], now);
}
