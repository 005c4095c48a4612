// page: the closed vocabularies of the API as lists; a new word of the core that a list lacks does not compile.
import type { ErrorType, Priority, Status, UnverifiableReason } from '../delivery/words.ts';

/** A reason why a delivery ended otherwise than confirmed. */
type Reason = Exclude<ErrorType, ''> | UnverifiableReason;

/** Every member of a union, once. A record that lacks one does not compile. */
function every<W extends string>(words: Readonly<Record<W, true>>): readonly W[] {
  return Object.keys(words) as W[];
}

export const STATUS_WORDS = every<Status>({
  pending: true,
  retrying: true,
  confirmed: true,
  failed: true,
  timeout: true,
  unverifiable: true,
});

export const PRIORITY_WORDS = every<Priority>({ critical: true, high: true, normal: true, low: true });

export const REASON_WORDS = every<Reason>({
  timeout: true,
  disconnected: true,
  rejected: true,
  shutdown: true,
  limit: true,
  operator: true,
  instance_lost: true,
  never_answered: true,
  client_left: true,
  closed: true,
  ambiguous: true,
});
