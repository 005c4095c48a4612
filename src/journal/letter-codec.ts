// journal: a dead letter as a record holds it. Reading believes nothing.
import type { DeadLetter } from '../delivery/dead-letters.ts';

/** A letter with its number among the letters of a directory, from 1. */
export type NumberedLetter = DeadLetter & { readonly n: number };

const TEXTS = ['id', 'type', 'priority', 'status', 'errorType', 'session'] as const;
const NUMBERS = ['n', 'seq', 'ordinal', 'bytes', 'sentAt', 'receivedAt', 'settledAt'] as const;

/** Whether a payload's value is a letter. */
export function isLetter(value: unknown): value is NumberedLetter {
  if (typeof value !== 'object' || value === null) return false;
  const given = value as Record<string, unknown>;
  return (
    TEXTS.every((name) => typeof given[name] === 'string') &&
    NUMBERS.every((name) => Number.isFinite(given[name])) &&
    Array.isArray(given.attempts)
  );
}
