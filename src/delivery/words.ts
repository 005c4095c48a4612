// delivery: the vocabulary of a delivery: one string union per idea, in the order of dashboards and arrays.

/**
 * How much an event matters; decides time-outs, shedding order and objective. First = most
 * important.
 */
export const PRIORITIES = ['critical', 'high', 'normal', 'low'] as const;
export type Priority = (typeof PRIORITIES)[number];

/**
 * What a confirmation proves: the client's WebSocket stack parsed the event, or the application
 * handled it.
 */
export const LEVELS = ['received', 'processed'] as const;
export type Level = (typeof LEVELS)[number];

/** How a delivery ended: exactly one each, final. */
export const OUTCOMES = ['confirmed', 'failed', 'timeout', 'unverifiable'] as const;
export type Outcome = (typeof OUTCOMES)[number];

/**
 * Why Ackspan cannot say how a delivery ended (`unverifiable`). `never_answered`: the connection
 * never answered a barrier. `client_left`: the client closed in good order right behind the message
 * and could not answer any more. `closed`: the message was received, and a Close frame of the other
 * side came before the application's word. `ambiguous`: the application's confirmation may mean an
 * earlier message of the same event id. `limit`: the delivery gave its place to a CRITICAL one.
 * `operator`: an operator closed it by hand, which is no evidence of receipt.
 */
export const UNVERIFIABLE_REASONS = [
  'never_answered',
  'client_left',
  'closed',
  'ambiguous',
  'limit',
  'operator',
] as const;
export type UnverifiableReason = (typeof UNVERIFIABLE_REASONS)[number];

/**
 * Where a delivery stands: in flight (`pending`, or `retrying` once an attempt after the send was
 * made) or settled.
 */
export const STATUSES = ['pending', 'retrying', ...OUTCOMES] as const;
export type Status = (typeof STATUSES)[number];

/**
 * Why a delivery ended `failed`. `instance_lost`: the process that sent it died, and its client
 * cannot come back to its session.
 */
export const FAIL_REASONS = ['disconnected', 'rejected', 'shutdown', 'limit', 'operator', 'instance_lost'] as const;
export type FailReason = (typeof FAIL_REASONS)[number];

/**
 * The `error.type` of a settled delivery; `''` when it was confirmed (or unverifiable, which is no
 * error).
 */
export const ERROR_TYPES = ['', 'timeout', ...FAIL_REASONS] as const;
export type ErrorType = (typeof ERROR_TYPES)[number];

/** Kinds of attempts to get a delivery confirmed. `send` is the original relay of the event. */
export const ATTEMPT_KINDS = ['send', 'probe', 'resend', 'replay', 'reemit'] as const;
export type AttemptKind = (typeof ATTEMPT_KINDS)[number];

/**
 * `sent`: written to the socket or accepted by the hook. `blocked`: no room or no frame boundary.
 * `failed`: the attempt broke.
 */
export const ATTEMPT_RESULTS = ['sent', 'blocked', 'failed'] as const;
export type AttemptResult = (typeof ATTEMPT_RESULTS)[number];

/**
 * The highest level that a connection has shown it can confirm. `none`: it never answered a
 * barrier.
 */
export const CAPABILITIES = ['none', 'received', 'processed'] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** Why a confirmation changed nothing. */
export const UNMATCHED_REASONS = ['late', 'duplicate', 'unknown', 'foreign'] as const;
export type UnmatchedReason = (typeof UNMATCHED_REASONS)[number];

/** What kept a message from being retained for replays and resends: a limit, or its shape. */
export const UNRETAINED_REASONS = [
  'retained_bytes',
  'retained_per_session',
  'retained_per_user',
  'in_flight_bytes',
  'several_events',
] as const;
export type UnretainedReason = (typeof UNRETAINED_REASONS)[number];

/** The limit that made the tracker let an event pass untracked. */
export const SHED_REASONS = ['pending', 'pending_per_user', 'memory'] as const;
export type ShedReason = (typeof SHED_REASONS)[number];
