// admin: the JSON of dead letters as types, for the views that make it and for whoever reads it.
import type { Capability, ErrorType, Level, Priority } from '../delivery/words.ts';
import type { StepJson } from './shapes.ts';

/** A delivery that was lost. Times are ISO 8601 in UTC, `…_ms` counts from the send. */
export interface DeadLetterJson {
  /** The delivery's id (`d-…`). */
  readonly id: string;
  /** The instance that lost it; null where the store has one instance only. */
  readonly instance: string | null;
  readonly event_id: string | null;
  readonly type: string;
  readonly priority: Priority;
  readonly status: 'failed' | 'timeout';
  readonly error_type: Exclude<ErrorType, ''>;
  readonly error_text: string | null;
  readonly level: Level | null;
  readonly required: Level;
  readonly capability: Capability;
  readonly session: string;
  readonly user: string | null;
  readonly claimed_user: string | null;
  /** The session's last connection. */
  readonly connection: string | null;
  readonly run: string | null;
  readonly tool: string | null;
  readonly tool_call: string | null;
  readonly ordinal: number;
  readonly bytes: number;
  readonly sent_at: string;
  readonly lost_at: string;
  readonly received_ms: number | null;
  readonly lost_ms: number;
  readonly trace_id: string | null;
  /** Everything that was tried after the send. */
  readonly attempts: readonly Pick<StepJson, 'step' | 'at' | 'after_ms' | 'number' | 'delay_ms' | 'result'>[];
  /** Bytes of the message that was kept; 0 = none was. */
  readonly message_bytes: number;
  /**
   * The message, redacted; only in an export, and only with `admin.payloads`. Null where it was not
   * kept.
   */
  readonly message?: string | null;
}

export interface DeadLetterPageJson {
  readonly dead_letters: readonly DeadLetterJson[];
  readonly next_cursor: string | null;
}

/** The result of a purge. */
export interface PurgeJson {
  readonly purged: number;
}
