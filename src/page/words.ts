// page: the closed vocabularies of the API as lists. Types are checked against the core's, so that a new word there is missed here.
import type { Priority, Status } from '../delivery/words.ts';
import type { Reason } from './advice.ts';

/** Every member of a union, each once: a record that lacks one does not compile. */
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
  ambiguous: true,
});
