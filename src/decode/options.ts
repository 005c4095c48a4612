// decode: what the operator says about messages: where event fields are, what is tracked, and what confirms it.
import type { ConfirmationMatcher } from './confirmation.ts';
import type { Rule } from './rules.ts';

/**
 * Where to look in a message, and what to do with the values found. The defaults are in
 * `defaults.ts`.
 */
export interface DecodeOptions {
  /**
   * JSON pointers (RFC 6901); of each list, the first that hits wins. A hit is a string of 1 to
   * 1024 bytes.
   */
  readonly type: readonly string[];
  /**
   * For id, run, user and toolCall a number is a hit too, as one text however it is spelled
   * (`number.ts`).
   */
  readonly id: readonly string[];
  readonly run: readonly string[];
  readonly user: readonly string[];
  readonly tool: readonly string[];
  readonly toolCall: readonly string[];
  readonly traceparent: readonly string[];
  /** What is done with messages that hold no event (SPEC D21). */
  readonly unread: 'track' | 'count';
  /** The first rule that matches decides. A type that no rule matches is not tracked. */
  readonly rules: readonly Rule[];
  readonly confirmations: readonly ConfirmationMatcher[];
  /** How many types have an index and a label of their own beside `other`. */
  readonly maxTypes: number;
  /** How far into a message fields are looked for, bytes. */
  readonly scanBytes: number;
}
