// admin: who changed what, and why: read from the change, and logged before the answer goes out.
import type { Members } from './body.ts';
import type { Change } from './route.ts';

/** One line of the audit. */
export interface AuditLine {
  readonly action: string;
  /** The reason, in the caller's words. */
  readonly reason: string;
  /** The caller's name for itself: one token proves no person. Null where it gave none. */
  readonly by: string | null;
  readonly via: Change['via'];
  readonly remote: string;
  /** Ids and counts of what was changed. */
  readonly [detail: string]: unknown;
}

/** Characters of `reason` and of `by`. */
const REASON_LIMIT = 500;
const BY_LIMIT = 100;

/** Reads what every change must say of itself. A missing reason is a fault. */
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
