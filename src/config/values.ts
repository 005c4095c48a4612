// config: the shapes of values that are more than a number or a text, and the defaults that other parts decide.
import type { Policy } from '../delivery/policy.ts';

/** Where to accept connections. Port 0 lets the system choose. */
export interface Address {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Which events are tracked and what they need; the first rule whose `match` fits wins. */
export interface EventRule extends Policy {
  /** Globs over the event type, with `*` and `?`. */
  readonly match: readonly string[];
  /** Whether the event is tracked; false = only relayed. */
  readonly track: boolean;
}

/**
 * A message of the application that confirms an event. Values other than `type` are JSON pointers
 * (RFC 6901).
 */
export interface ConfirmationMatch {
  readonly type: string;
  readonly id: string;
  readonly status: string;
  readonly error: string;
}

/**
 * One place to find the user of a connection: `name` is the claim, header, cookie or query
 * parameter; '' for `event`.
 */
export interface UserSource {
  readonly from: 'jwt' | 'header' | 'cookie' | 'query' | 'event';
  readonly name: string;
}

/** Where an event keeps its facts (JSON pointers, first hit wins) and what the rules ask of it. */
export interface EventDefaults {
  readonly type: readonly string[];
  readonly id: readonly string[];
  readonly run: readonly string[];
  readonly user: readonly string[];
  readonly tool: readonly string[];
  readonly toolCall: readonly string[];
  readonly traceparent: readonly string[];
  readonly rules: readonly EventRule[];
}

/** The defaults that config may not know by itself: the decoder's pointers, rules and matchers. */
export interface Defaults {
  readonly events: EventDefaults;
  readonly confirmations: readonly ConfirmationMatch[];
}
