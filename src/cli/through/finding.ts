// cli: what a check has found: how bad it is, what was seen, and what to do.

/**
 * `good`: as it should be. `note`: worth knowing. `bad`: events would be lost, or evidence would be
 * wrong. `unknown`: it could not be seen.
 */
export type Grade = 'good' | 'note' | 'bad' | 'unknown';

export interface Finding {
  /** Names the check, for programs. */
  readonly check: string;
  readonly grade: Grade;
  /** What was seen, one sentence. */
  readonly seen: string;
  /** What to do about it; '' = nothing. */
  readonly advice: string;
}

export function finding(check: string, grade: Grade, seen: string, advice = ''): Finding {
  return { check, grade, seen, advice };
}

const MARKS: Readonly<Record<Grade, string>> = {
  good: 'ok      ',
  note: 'note    ',
  bad: 'problem ',
  unknown: 'unknown ',
};

/** Lines for people. */
export function findingLines(findings: readonly Finding[]): string[] {
  return findings.flatMap(({ check, grade, seen, advice }) => [
    `${MARKS[grade]} ${check}: ${seen}`,
    ...(advice === '' || grade === 'good' ? [] : [`          → ${advice}`]),
  ]);
}
