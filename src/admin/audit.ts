// admin: who changed what, and why: read from the change, and written to the log before the answer goes out.
import type { Members } from './body.ts';
import type { Change } from './route.ts';

/** One line of the audit. */
export interface AuditLine {
  readonly action: string;
  /** Why, in the caller's words. */
  readonly reason: string;
  /** Who, as the caller says it: one token proves no person. Null where it said nothing. */
  readonly by: string | null;
  readonly via: Change['via'];
  readonly remote: string;
  /** Ids and counts of what was changed. */
  readonly [detail: string]: unknown;
}

/** Characters of `reason` and of `by`. */
const REASON_LIMIT = 500;
const BY_LIMIT = 100;

/** What every change says of itself; a missing reason is a fault. */
export function readWhy(members: Members): Pick<AuditLine, 'reason' | 'by'> {
  const reason = members.text('reason', REASON_LIMIT, true) ?? '';
  return { reason, by: members.text('by', BY_LIMIT, false) ?? null };
}

/** The audit line of a change. */
export function auditLine(
  action: string,
  why: Pick<AuditLine, 'reason' | 'by'>,
  { via, remote }: Change,
  details: Readonly<Record<string, unknown>>,
): AuditLine {
  return { action, ...why, via, remote, ...details };
}
