// admin: the JSON of the API as types, for the views that make it, and for the page and the commands that read it.
import type { Unchanged } from '../delivery/operator.ts';
import type {
  AttemptKind,
  AttemptResult,
  Capability,
  ErrorType,
  Level,
  Outcome,
  Priority,
  Status,
  UnverifiableReason,
} from '../delivery/words.ts';
import type { LineJson } from './stats-shapes.ts';

/** One line of a list of deliveries. Times are ISO 8601 in UTC, `…_ms` counts from the send. */
export interface DeliveryJson {
  readonly id: string;
  readonly event_id: string | null;
  readonly type: string;
  readonly priority: Priority;
  readonly status: Status;
  readonly error_type: Exclude<ErrorType, ''> | null;
  readonly unverifiable_reason: UnverifiableReason | null;
  readonly level: Level | null;
  readonly required: Level;
  readonly attempts: number;
  readonly session: string;
  readonly user: string | null;
  /** The user that the client claims without proof. */
  readonly claimed_user: string | null;
  readonly run: string | null;
  readonly tool: string | null;
  readonly tool_call: string | null;
  readonly ordinal: number;
  readonly bytes: number;
  /** Whether the message is kept, so that it can be sent again. */
  readonly kept: boolean;
  readonly sent_at: string;
  readonly deadline_at: string;
  readonly received_ms: number | null;
  readonly settled_ms: number | null;
  readonly rejected_ms: number | null;
  readonly trace_id: string | null;
}

/** One entry of a delivery's timeline. */
export interface StepJson {
  readonly step: AttemptKind | 'received' | Outcome | 'late' | 'upgrade' | 'rejected';
  readonly at: string;
  readonly after_ms: number;
  readonly number?: number;
  readonly delay_ms?: number;
  readonly result?: AttemptResult;
  readonly level?: Level;
  readonly error_type?: Exclude<ErrorType, ''>;
  readonly reason?: UnverifiableReason;
}

/** One delivery in full. */
export interface DeliveryDetailJson extends DeliveryJson {
  readonly error_text: string | null;
  /** The connection that carries the session now. */
  readonly connection: string | null;
  /** The connection that the delivery was sent over, while it is remembered. */
  readonly sent_over: ConnectionJson | null;
  readonly timeline: readonly StepJson[];
  readonly same_event: { readonly count: number; readonly deliveries: readonly DeliveryJson[] };
}

/** Which instances an answer over all of them holds. */
export interface InstancesJson {
  readonly instances: readonly string[];
  /** How many did not answer in time. */
  readonly missing: number;
}

export interface DeliveryPageJson {
  readonly deliveries: readonly DeliveryJson[];
  readonly next_cursor: string | null;
  readonly pending: number;
  readonly recent: number;
}

/** A client connection, open or over. */
export interface ConnectionJson {
  readonly id: string;
  readonly session: string;
  readonly user: string | null;
  readonly claimed_user: string | null;
  readonly capability: Capability;
  readonly opened_at: string;
  readonly closed_at: string | null;
  /**
   * The side that closed first, and the code of the first Close frame (1006 = none); null while the
   * connection is open.
   */
  readonly closed_by: 'client' | 'upstream' | 'sidecar' | null;
  readonly close_code: number | null;
  readonly remote: string;
  readonly path: string;
  readonly pending: number;
  /** Data messages relayed to the client, those of the session's earlier connections included. */
  readonly messages: number;
}

export interface ConnectionPageJson {
  readonly connections: readonly ConnectionJson[];
  readonly next_cursor: string | null;
}

/** A step in the life of a connection. */
export interface ConnectionStepJson {
  readonly step: 'opened' | 'capability' | 'closed';
  readonly at: string;
  readonly capability?: Capability;
  readonly by?: 'client' | 'upstream' | 'sidecar';
  readonly code?: number;
}

/** One connection with its life, and how its deliveries stand. */
export interface ConnectionDetailJson extends ConnectionJson {
  readonly life: readonly ConnectionStepJson[];
  /** Deliveries sent over the connection that are in flight or in the history, by status. */
  readonly deliveries: Readonly<Record<Status, number>>;
  /** Messages of it that are remembered. */
  readonly remembered: number;
}

export type MessageDirection = 'to_client' | 'to_upstream';
export type MessageKind = 'text' | 'binary';

/** A relayed data message of one connection. */
export interface MessageJson {
  /** Order of relaying in this process, both directions and all connections. */
  readonly seq: number;
  readonly direction: MessageDirection;
  readonly kind: MessageKind;
  /** Event type or shape; null where it was not read. */
  readonly type: string | null;
  /** Payload size; null where it is not known. */
  readonly bytes: number | null;
  readonly at: string;
  /** Ordinal among the upstream's messages of the session; null for messages of the client. */
  readonly ordinal: number | null;
  /** Whether the sidecar consumed the message: a confirmation. */
  readonly consumed: boolean;
  readonly delivery: string | null;
  /** Status of that delivery, while it is known. */
  readonly status: Status | null;
  readonly reason: string | null;
  /** Payload, redacted; only with `admin.payloads`. Null where it is not kept. */
  readonly payload: string | null;
  /** Whether `payload` is only the beginning. */
  readonly cut: boolean;
}

export interface MessagePageJson {
  readonly messages: readonly MessageJson[];
  readonly next_cursor: string | null;
  /** Messages of the connection that had to be forgotten. */
  readonly forgotten: number;
}

/**
 * A session: what survives a reconnect, or the one connection of a client that has not opted in.
 */
export interface SessionJson {
  readonly id: string;
  readonly user: string | null;
  readonly opted_in: boolean;
  readonly resumable: boolean;
  readonly capability: Capability;
  /** The connection that carries the session; null while its client is away. */
  readonly connection: string | null;
  readonly pending: number;
  readonly messages: number;
  readonly received_through: number;
  readonly retained_bytes: number;
}

export interface SessionPageJson {
  readonly sessions: readonly SessionJson[];
  readonly next_cursor: string | null;
}

/** The result of one change, or of its dry run. */
export interface ChangeJson {
  readonly action: 'resend' | 'confirm' | 'fail';
  /** For `resend`: the attempt's result. */
  readonly result: AttemptResult | null;
  readonly delivery: DeliveryJson;
}

/** The result of a replay, or of its dry run. */
export interface ReplayJson {
  readonly dry_run: boolean;
  /** Number of open deliveries that match the filter. */
  readonly matched: number;
  /** Number of messages that were sent again, or would be. */
  readonly sent: number;
  readonly blocked: number;
  readonly failed: number;
  readonly skipped: Readonly<Record<Unchanged, number>>;
  /** Whether more match than `limit`. */
  readonly more: boolean;
  readonly deliveries: readonly { readonly id: string; readonly result: AttemptResult | Unchanged | 'would_send' }[];
}

/** How far a drain is. */
export interface DrainJson {
  readonly state: 'serving' | 'draining' | 'drained';
  /** Open connections. */
  readonly connections: number;
  /** Deliveries in flight. */
  readonly pending: number;
}

/** The service, and what may be done here. */
export interface AboutJson {
  readonly service: string;
  readonly version: string;
  readonly started_at: string;
  readonly now: string;
  readonly read_only: boolean;
  /** Whether a token is asked for. */
  readonly token_required: boolean;
  /** How the caller was admitted. */
  readonly via: 'open' | 'bearer' | 'session';
  readonly payloads: boolean;
  /** A link to a trace with `{trace_id}` in it. */
  readonly trace_url: string | null;
  readonly objective: Readonly<Record<'all' | Priority, number>>;
}

/** The data of the events of `/api/v1/stream`. */
export interface StreamJson {
  readonly step: { readonly step: StepJson['step']; readonly at: string; readonly delivery: DeliveryJson };
  readonly connection: ConnectionStepJson & { readonly connection: ConnectionJson };
  readonly stats: LineJson;
  /** `count` = null: the number is not known, because the follower was away too long. */
  readonly dropped: { readonly count: number | null };
}

/** A problem as RFC 9457 describes it. */
export interface ProblemJson {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** A code for programs, where the status does not tell enough. */
  readonly code?: string;
  readonly errors?: readonly {
    readonly parameter: string;
    readonly fault: string;
    readonly allowed: readonly string[];
  }[];
}
