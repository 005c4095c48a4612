// decode: the operator's rules, asked once per event type: whether it is tracked, and how.
import type { Policy } from '../delivery/policy.ts';
import { globMatches, isGlob } from './glob.ts';

/** What to do with the event types that match one of the globs (`*`, `?`). */
export interface Rule extends Policy {
  readonly match: readonly string[];
  /** false = relay the event and do nothing else. */
  readonly track: boolean;
}

/** Rules in order; the first that matches decides. */
export interface RuleBook {
  /** undefined = not tracked: no rule matches, or the first that does says `track: false`. */
  policyOf(type: string): Policy | undefined;
  /** Every type that a rule spells out, each once, in the order of the rules. */
  readonly named: readonly string[];
}

/** Compiles rules. All types under one rule share one policy object. */
export function createRuleBook(rules: readonly Rule[]): RuleBook {
  const compiled = rules.map(({ match, track, priority, confirm, timeoutMs, attemptsMs, resend, keepLost }) => ({
    match,
    policy: track
      ? { priority, confirm, timeoutMs, attemptsMs, ...(resend && { resend }), ...(keepLost && { keepLost }) }
      : undefined,
  }));
  return {
    policyOf: (type) => compiled.find((rule) => rule.match.some((glob) => globMatches(glob, type)))?.policy,
    named: [...new Set(rules.flatMap((rule) => rule.match.filter((pattern) => !isGlob(pattern))))],
  };
}
