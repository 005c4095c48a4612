// delivery: the state machine of a delivery, as a table that the compiler keeps complete: every status × every signal.
import type { Status } from './words.ts';

/** A thing that can happen to a delivery. */
export type Signal =
  /**
   * Evidence below the required level: the client's stack has the message, and the application has
   * not confirmed it yet.
   */
  | 'received'
  /** Evidence at the required level or above. */
  | 'satisfied'
  /** The application said that it could not handle the event. */
  | 'rejected'
  /** A probe, resend, replay or re-emission was tried. */
  | 'attempted'
  /** The deadline passed on a connection that has answered barriers. */
  | 'expired'
  /**
   * The end came, and Ackspan cannot say whether the client has the message
   * (`UNVERIFIABLE_REASONS`).
   */
  | 'unverified'
  | 'disconnected'
  | 'shutdown'
  /** An operator gave it up by hand. */
  | 'abandoned'
  | 'instance_lost';

/**
 * The next status, or for a settled delivery (D2) how the signal is counted. `none` = the signal
 * cannot matter any more.
 */
export type Transition = Status | 'late' | 'repeat' | 'none';

const settledBadly: Record<Signal, Transition> = {
  received: 'late',
  satisfied: 'late',
  rejected: 'late',
  attempted: 'none',
  expired: 'none',
  unverified: 'none',
  disconnected: 'none',
  shutdown: 'none',
  abandoned: 'none',
  instance_lost: 'none',
};

/**
 * Rows: the status of the delivery. Columns: the signal. `repeat` is a duplicate, or an upgrade
 * when it proves more than before.
 */
export const TRANSITIONS: Readonly<Record<Status, Readonly<Record<Signal, Transition>>>> = {
  pending: {
    received: 'pending',
    satisfied: 'confirmed',
    rejected: 'failed',
    attempted: 'retrying',
    expired: 'timeout',
    unverified: 'unverifiable',
    disconnected: 'failed',
    shutdown: 'failed',
    abandoned: 'failed',
    instance_lost: 'failed',
  },
  retrying: {
    received: 'retrying',
    satisfied: 'confirmed',
    rejected: 'failed',
    attempted: 'retrying',
    expired: 'timeout',
    unverified: 'unverifiable',
    disconnected: 'failed',
    shutdown: 'failed',
    abandoned: 'failed',
    instance_lost: 'failed',
  },
  confirmed: {
    received: 'none',
    satisfied: 'repeat',
    rejected: 'repeat',
    attempted: 'none',
    expired: 'none',
    unverified: 'none',
    disconnected: 'none',
    shutdown: 'none',
    abandoned: 'none',
    instance_lost: 'none',
  },
  failed: settledBadly,
  timeout: settledBadly,
  unverifiable: settledBadly,
};
