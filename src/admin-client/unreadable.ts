// admin-client: answers that are JSON and yet not what a sidecar says: a version of other shapes, or no sidecar.
import { type AdminClient, nameOf } from './client.ts';
import { printable } from './printable.ts';

/**
 * Whether an error is what comes of a value of the wrong kind in an answer. Answers are read as
 * their types say, and not checked member by member.
 */
export function isUnreadable(error: unknown): error is TypeError | RangeError {
  return error instanceof TypeError || error instanceof RangeError;
}

/** The error in words that blame neither side: which of both is wrong cannot be seen from here. */
export function unreadable(client: Pick<AdminClient, 'place'>, error: Error): string {
  return `what ${nameOf(client)} answers is not what this build (ackspan --version) can show: ${printable(error.message)}`;
}
