// journal: turns lost deliveries into dead letters, whatever engine keeps those.
import type { DeadLetter, DeadLetters } from '../delivery/dead-letters.ts';
import type { Attempt, Delivery } from '../delivery/record.ts';
import type { WallOf } from './snapshot.ts';

export interface LetterScribeDeps {
  readonly letters: Pick<DeadLetters, 'add' | 'handOver'>;
  readonly wallOf: WallOf;
  /** 32 hex digits; undefined = its span is not known. */
  traceId(delivery: Delivery): string | undefined;
  /** Names this process among those that share the store. */
  readonly instance?: string | undefined;
}

/**
 * A letter is made at the hand-over that follows the loss, not in the call that tells of it: the
 * journal is told first of all observers, and the delivery's span may begin only behind it.
 */
export class LetterScribe {
  readonly #deps: LetterScribeDeps;
  #lost: { readonly delivery: Delivery; readonly message: Uint8Array | undefined }[] = [];

  constructor(deps: LetterScribeDeps) {
    this.#deps = deps;
  }

  /**
   * Notes the delivery if it was lost. Called in the turn of its outcome, while its message is
   * still there.
   */
  settled(delivery: Delivery): boolean {
    const { status, type, payload } = delivery;
    if (status !== 'failed' && status !== 'timeout') return false;
    this.#lost.push({ delivery, message: type.policy.keepLost === true ? payload : undefined });
    // The record is read once more, at the hand-over.
    delivery.kept = true;
    return true;
  }

  /**
   * Hands over what was noted. Called before the journal's own records go: an outcome that is known
   * has its letter.
   */
  handOver(): void {
    const { letters } = this.#deps;
    const lost = this.#lost;
    if (lost.length > 0) {
      this.#lost = [];
      for (const { delivery, message } of lost) letters.add(this.#letterOf(delivery), message);
    }
    letters.handOver();
  }

  #letterOf(delivery: Delivery): DeadLetter {
    const { wallOf, traceId, instance } = this.#deps;
    const { seq, id, eventId, type, status, errorType, errorText, level, required, session } = delivery;
    const { run, tool, toolCall, ordinal, bytes, attemptLog = [], receivedAt } = delivery;
    const { key, user, claimedUser, capability, link } = session;
    return {
      ...{ id, seq, ...(instance !== undefined && { instance }), eventId, type: type.name },
      priority: type.policy.priority,
      ...{ status: status as DeadLetter['status'], errorType: errorType as DeadLetter['errorType'] },
      ...{ errorText, level, required, capability },
      ...{ session: key, user, claimedUser, connection: link?.id ?? '', run, tool, toolCall, ordinal, bytes },
      attempts: attemptLog.map((attempt): Attempt => ({ ...attempt, at: wallOf(attempt.at) })),
      sentAt: wallOf(delivery.sentAt),
      receivedAt: receivedAt === 0 ? 0 : wallOf(receivedAt),
      settledAt: wallOf(delivery.settledAt),
      traceId: traceId(delivery),
    };
  }
}
