// admin-client: what the labels of a sidecar's counters mean: limits, turned-away confirmations, resumes. Pure.
import type { ShedReason, UnmatchedReason, UnretainedReason } from '../delivery/words.ts';

/** Meaning of each limit that lets events pass untracked. */
export const SHED: Readonly<Record<ShedReason, string>> = {
  pending: 'limits.pending: too many deliveries in flight in this process',
  pending_per_user: 'limits.pending_per_user: too many deliveries in flight for one user',
  memory: 'limits.memory: this process is short of memory',
};

/** Meaning of each reason for which a confirmation changes nothing. */
export const UNMATCHED: Readonly<Record<UnmatchedReason, string>> = {
  late: 'came after the outcome: the client is slow, or the deadline short',
  duplicate: 'repeated an earlier one: harmless',
  unknown:
    'named an event that was never sent here: the client confirms the wrong id, or confirms to the wrong instance',
  foreign: 'named an event that another session was sent: the client confirms what is not its own',
};

/** Meaning of each reason for which a message is not kept, so that it cannot be sent again. */
export const UNRETAINED: Readonly<Record<UnretainedReason, string>> = {
  retained_bytes: 'limits.retained_bytes: all kept messages together',
  retained_per_session: 'sessions.retained_bytes: those of one session',
  retained_per_user: 'limits.retained_bytes_per_user: those of one user',
  in_flight_bytes: 'limits.in_flight_bytes: messages that came in parts',
  several_events: 'a message of several events is not sent again for one of them, whatever `resend` says',
};

/** Meaning of each result for a client that asks for its session again. */
export const RESUME: Readonly<Record<string, string>> = {
  fresh: 'began a new session',
  recovered: 'went on with its session, over a new backend connection',
  rejoined: 'went on with its session, over the backend connection that it had',
  unknown:
    'asked for a session that this process does not have: it ended here, or another instance has it (no session affinity)',
  expired: 'asked with a token that is too old',
  forged: 'asked with a token that this sidecar did not sign: another instance with other keys, or forgery',
  foreign: 'asked for another user’s session',
  stale: 'asked with a token that a newer connection had replaced',
};

/** The meaning of a label's value; undefined for a value that this build does not know. */
export function meaningOf(table: Readonly<Record<string, string>>, word: string): string | undefined {
  return Object.hasOwn(table, word) ? table[word] : undefined;
}
