// Storm: what is known of one connection from outside the sidecar, and what the sidecar says of its deliveries. Times are ms since the epoch.

/** A data message that the backend wrote in whole. */
export interface Sent {
  readonly id: string;
  /** Position among the data messages of its upstream connection, from 1. */
  readonly ordinal: number;
  readonly type: string;
  /** Whether a rule makes a delivery of it. */
  readonly tracked: boolean;
  readonly at: number;
}

/** A word of the client's application, as it was said. */
export interface Said {
  readonly id: string;
  readonly ok: boolean;
  readonly at: number;
  /** Messages that the client had parsed by then. */
  readonly after: number;
}

/** Something that proves, from the moment on at which it lay in the sidecar's socket. */
export type Evidence = {
  readonly at: number;
} & (
  | { readonly word: 'pong'; readonly through: number }
  | { readonly word: 'confirmed' | 'rejected'; readonly id: string; readonly after: number }
  | { readonly word: 'handled'; readonly through: number; readonly also: readonly number[] }
);

/** One connection's story. */
export interface ConnectionRecord {
  readonly id: number;
  readonly client: string;
  readonly plan: string;
  readonly optedIn: boolean;
  readonly sent: Sent[];
  /** When the client's stack parsed a message, by `keyOf`. */
  readonly parsed: Map<string, number>;
  readonly said: Said[];
  readonly evidence: Evidence[];
  /** Upstream connections that the sidecar opened for it. */
  dials: number;
  /** The client got its 101: before that there is no connection to count on. */
  opened: boolean;
  /** Its client connections: evidence of one that another has replaced is not judged. */
  clients: number;
  /** The sidecar has read the backend's bytes up to their FIN, for certain. */
  readToEnd: boolean;
  /**
   * It sent more than the sockets on the way may have taken: what it said then may have died with
   * one of them.
   */
  flooded: boolean;
  /** What happened, for people. */
  readonly notes: string[];
}

/** A line of `/api/v1/deliveries`. */
export interface Row {
  readonly event_id: string | null;
  readonly type: string;
  readonly status: string;
  readonly error_type: string | null;
  readonly unverifiable_reason: string | null;
  readonly level: string | null;
  readonly required: string;
  readonly session: string;
  readonly ordinal: number;
  readonly sent_at: string;
  readonly deadline_at: string | null;
  readonly received_ms: number | null;
  readonly settled_ms: number | null;
}

export interface StormStats {
  readonly tracked: number;
  readonly pending: number;
  readonly confirmed: number;
  readonly failed: number;
  readonly timeout: number;
  readonly unverifiable: number;
  readonly shed: number;
  readonly untracked: Readonly<Record<string, number>>;
}

/** All that is known when the connections of a round are over and its deadlines have passed. */
export interface Account {
  readonly records: ReadonlyMap<number, ConnectionRecord>;
  readonly rows: readonly Row[];
  /** Undefined where the sidecar has gone and only its spans are left. */
  readonly stats: StormStats | undefined;
  /** Connections that the sidecar still lists. */
  readonly open: number;
  /** Descriptors of the sidecar before and after. */
  readonly descriptors: { readonly before: number; readonly after: number };
}

export function createRecord(id: number, client: string, plan: string): ConnectionRecord {
  return {
    id,
    client,
    plan,
    optedIn: client === 'sdk',
    sent: [],
    parsed: new Map(),
    said: [],
    evidence: [],
    dials: 0,
    opened: false,
    clients: 0,
    readToEnd: false,
    flooded: false,
    notes: [],
  };
}

/**
 * Names a message of a connection. An opted-in client may get one twice, and gets frames of the
 * sidecar's too: ids are unique there.
 */
export function keyOf(record: Pick<ConnectionRecord, 'optedIn'>, id: string, ordinal: number): string {
  return record.optedIn ? id : `${id}#${ordinal}`;
}

/** Which connection an event id belongs to; -1 = none of the storm's. */
export function connectionOf(eventId: string | null): number {
  const [, id] = /^c(\d+)-/.exec(eventId ?? '') ?? [];
  return id === undefined ? -1 : Number(id);
}
