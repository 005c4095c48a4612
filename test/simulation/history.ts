// Simulation: what happened, as the oracle reads it: plain data, so that its tests can write histories by hand. Moments are ms of simulated time; 0 = never.
import type { Standstill } from './loop.ts';
import type { Emitted } from './schedule.ts';
import type { Mark } from './wire.ts';

/**
 * Kinds of failure, each the breach of one promise. `reason`: an outcome whose reason is not the
 * case. `barrier`: none was sent where one would have proven something. `silence`: a client cut off
 * that had spoken, or kept that had vanished. `fault`: the sidecar threw, or reported that a part
 * of it had.
 */
export const FAILURES = [
  'false confirm',
  'false loss',
  'reason',
  'barrier',
  'uncounted',
  'outcomes',
  'silence',
  'leak',
  'fault',
] as const;
export type FailureKind = (typeof FAILURES)[number];

/** Something that the client said and that can prove something. */
export interface Evidence {
  /** `last`: what a client that comes back says that it was handed. */
  readonly kind: 'pong' | 'close' | 'word' | 'sdk' | 'last';
  readonly sentAt: number;
  /** When the sidecar's kernel had the last byte of it, and when the sidecar read that. */
  arrivedAt: number;
  takenAt?: number;
  readAt: number;
  /** The most that follows from its bytes: so many messages of the connection had been parsed. */
  readonly most: number;
  /** So many messages must be taken for received because of it; 0 = it need not prove anything. */
  readonly sure: number;
  /**
   * Whether the frame need not be understood, because its connection had broken the framing rules.
   */
  readonly moot?: boolean;
  /** The event of a confirmation, and whether the application could not handle it. */
  readonly eventId?: string;
  readonly rejected?: boolean;
  /** The ordinals of an SDK message: `through` and `also`, or that of a rejection. */
  readonly through?: number;
  readonly also?: readonly number[];
  readonly n?: number;
}

/** How the stream to a client ended, as its stack saw it. */
export interface StreamEnd {
  /** How many messages it had parsed by then, and how many of them a barrier had followed. */
  readonly parsed: number;
  readonly covered: number;
}

/** A time in which the sidecar did not read a connection; `to` 0 = to its end. */
export interface Pause {
  readonly from: number;
  to: number;
}

/** One connection of a client, as the client knows it. */
export interface Link {
  readonly id: number;
  readonly client: number;
  readonly user: string | undefined;
  readonly sdk: boolean;
  /** The client's connection to the backend; 0 = none of its own. */
  upstream: number;
  /** When the sidecar began to relay to it; 0 = never. */
  joinedAt: number;
  /** Messages in the order in which its stack parsed them. */
  readonly parsed: { readonly uid: number; readonly at: number }[];
  readonly evidence: Evidence[];
  /** The end's own Close frame, if it was the first to send one, and its code. */
  readonly left: Mark;
  leftAt: number;
  leftCode: number;
  /**
   * The stream ended with a Close frame or FIN, at a frame boundary or not, before the client had
   * ended anything itself.
   */
  streamEnd: StreamEnd | undefined;
  /**
   * When the sidecar closed its socket of the connection, and when the client's end (FIN, RST)
   * reached that socket, and was read.
   */
  closedAt: number;
  overAt: number;
  overReadAt: number;
  /** When the sidecar sent it a Close frame of its own. */
  closeSentAt: number;
  /** When a write of the sidecar's stream failed: Node throws away what it has not read. */
  brokenAt: number;
  /**
   * Since when another connection carries the client's session, and whether that one has an
   * upstream connection of its own.
   */
  supersededAt: number;
  supersededAnew: boolean;
  /** Since when nothing gets through any more, either way. */
  vanishedAt: number;
  readonly pauses: Pause[];
  /** When bytes of the client reached the sidecar. */
  readonly arrivals: readonly number[];
  /** Whether the client has broken the framing rules: its end need not be understood. */
  broke: boolean;
  /** The sidecar destroyed its socket while bytes waited to be written. */
  cutShort: boolean;
}

/** What the application of an SDK client did with a message. */
export interface Handled {
  readonly uid: number;
  readonly client: number;
  readonly at: number;
  readonly ok: boolean;
}

/** A complete data message of the backend. */
export interface Message {
  readonly uid: number;
  readonly client: number;
  readonly upstream: number;
  readonly eventId: string | undefined;
  /** A rule says to track it, and it can be read. */
  readonly tracked: boolean;
  /**
   * The level that confirms the message: by its rule, and for `auto` by whether its client has
   * opted in.
   */
  readonly confirm: 'received' | 'processed';
  /** Whether its priority is LOW. */
  readonly low: boolean;
  readonly compressed: boolean;
  /** As the backend emitted it. */
  readonly emitted?: Emitted;
  readonly sentAt: number;
  arrivedAt: number;
  readAt: number;
}

/** One connection to the backend. */
export interface Upstream {
  readonly id: number;
  readonly client: number;
  /** The sidecar joined it to a client. */
  joined: boolean;
  /** When the sidecar closed its socket; and whether it did so while it did not read it. */
  closedAt: number;
  closedUnread: boolean;
  /**
   * When the connection began to end at the client's side: the sidecar has heard of that, or has
   * decided it.
   */
  goneAt: number;
  /** When the backend's FIN or RST reached the sidecar's kernel; its Close frame. */
  overAt: number;
  readonly close: Mark;
}

/** What the sidecar said about one delivery. */
export interface Told {
  readonly uid: number;
  readonly seq: number;
  readonly session: string;
  readonly ordinal: number;
  readonly eventId: string | undefined;
  readonly required: 'received' | 'processed';
  readonly sentAt: number;
  /** When the message was read: later than it was sent, where that is done on the side. */
  readonly trackedAt: number;
  readonly timeoutMs: number;
  outcomes: number;
  status: string;
  errorType: string;
  unverified: string;
  level: string;
  settledAt: number;
  upgradedAt: number;
  rejectedAt: number;
  /** When the backend was asked to emit the event again. */
  reemittedAt: number;
}

export interface History {
  /** When it began. */
  readonly start: number;
  readonly links: Link[];
  readonly upstreams: Upstream[];
  readonly messages: Message[];
  /** The same by their numbers. */
  readonly byUid: Map<number, Message>;
  readonly handled: Handled[];
  readonly deliveries: Told[];
  readonly standstills: readonly Standstill[];
  /** Messages that the sidecar counted as shed, or as untracked for whatever reason. */
  shed: number;
  untracked: number;
  /** When the sidecar began to stop, and by when its clients are to have answered. */
  stopAt: number;
  closeBy: number;
  /**
   * What it left to the next process with a session, by number; undefined = its stop, if there was
   * one, left nothing.
   */
  handedOver: ReadonlySet<number> | undefined;
  /** When it cut off clients that were silent. */
  readonly cuts: number[];
  /** The state when everything is over, and the sidecar's own reports. */
  readonly leaks: string[];
  readonly faults: string[];
  /** How long the sidecar waits for proof after one side has ended, ms. */
  readonly patienceMs: number;
  /** How long a client may be silent while a barrier is on its way, ms; 0 = for ever. */
  readonly silenceMs: number;
  /** Most that a callback of the sidecar costs, ms. */
  readonly costMs: number;
  /** Outcomes leave the history of the sidecar before the end. */
  readonly forgets: boolean;
}

export interface Failure {
  readonly kind: FailureKind;
  /** The subject of the failure, in one line. */
  readonly text: string;
  readonly uid?: number;
}

/** What the sidecar's set-up makes of what it does. */
type Bounds = Pick<History, 'patienceMs' | 'silenceMs' | 'costMs' | 'forgets'>;

const PLAIN: Bounds = { patienceMs: 2000, silenceMs: 0, costMs: 0, forgets: false };

export function emptyHistory(start = 0, standstills: readonly Standstill[] = [], bounds = PLAIN): History {
  return {
    ...bounds,
    start,
    links: [],
    upstreams: [],
    messages: [],
    byUid: new Map(),
    handled: [],
    deliveries: [],
    standstills,
    shed: 0,
    untracked: 0,
    stopAt: 0,
    closeBy: 0,
    handedOver: undefined,
    cuts: [],
    leaks: [],
    faults: [],
  };
}
