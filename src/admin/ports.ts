// admin: what the admin server needs from the sidecar, as narrow interfaces; the sidecar gives them.
import type { DeadLetterBox } from '../delivery/dead-letters.ts';
import type { Operator } from '../delivery/operator.ts';
import type { Observer, Report, Store } from '../delivery/ports.ts';
import type { Delivery } from '../delivery/record.ts';
import type { Session } from '../delivery/session.ts';
import type { Capability, Priority } from '../delivery/words.ts';
import type { Across } from './across.ts';
import type { AuditLine } from './audit.ts';
import type { ConnectionBook } from './connection-book.ts';
import type { MessageLog } from './message-log.ts';
import type { AdminCounters } from './places.ts';
import type { DrainJson } from './shapes.ts';
import type { Statistics } from './totals.ts';
import type { UnmatchedBook } from './unmatched-book.ts';

/** A client connection as `/api/v1/connections` shows it. */
export interface ConnectionView {
  readonly id: string;
  /** Order of opening, unique in this process: pages are cut by it. */
  readonly seq: number;
  readonly session: string;
  /** The proven user. */
  readonly user: string | undefined;
  /** The user that the client claims without proof. It grants nothing (SPEC D19). */
  readonly claimedUser: string | undefined;
  readonly capability: Capability;
  /** Monotonic ms. */
  readonly openedAt: number;
  /** Peer address, without the port. */
  readonly remote: string;
  /** Request path. Everything from `?` on is dropped, because queries carry tokens. */
  readonly path: string;
  /** Deliveries in flight. */
  readonly pending: number;
  /** Data messages relayed to the client. */
  readonly messages: number;
}

/** Whether the sidecar takes traffic, and every reason why not. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
  /**
   * `up`, `unknown`, or why it is taken for down; left out where nothing is relayed. It makes
   * nobody unready by itself.
   */
  readonly upstream?: string;
  /** What does not work and takes no traffic away; left out where nothing can fail so. */
  readonly degraded?: readonly string[];
}

/** The service, and its start (monotonic ms: it names this run in cursors). */
export interface ServiceInfo {
  readonly service: string;
  readonly version: string;
  readonly startedAt: number;
}

/** The operator's settings for this server. */
export interface AdminSettings {
  /** Whether nothing can be changed through this server. */
  readonly readOnly: boolean;
  /** Whether payloads of messages are shown. */
  readonly payloads: boolean;
  /** Parts of names. The values of members whose names hold one are not shown. */
  readonly redact: readonly string[];
  /** A link to a trace, with `{trace_id}` in it. */
  readonly traceUrl: string | undefined;
  /** The share that is to be confirmed, 0 to 1: over all, and for each priority. */
  readonly objective: Readonly<Record<'all' | Priority, number>>;
}

/** Everything that the admin server reads, and the one thing by which it changes something. */
export interface AdminDeps {
  readonly store: Pick<Store, 'each' | 'get' | 'withEvent' | 'pending' | 'recent'>;
  /** The body of `/api/v1/stats`: counts and rates, ready for JSON. */
  stats(): object;
  /** The totals behind windows and lines. */
  readonly statistics: Statistics;
  /** Open connections; left out where nothing is relayed. */
  readonly connections?: (() => Iterable<ConnectionView>) | undefined;
  /** Open connections with their life, and lately closed ones. */
  readonly book?: ConnectionBook | undefined;
  /** Sessions that are not over; left out where nothing is relayed. */
  sessions?(): Iterable<Session>;
  /** Messages relayed lately; left out where none are remembered. */
  readonly messages?: Pick<MessageLog, 'each' | 'countOf' | 'forgottenOf'> | undefined;
  /** Confirmations that changed nothing; left out where none are remembered. */
  readonly unmatched?: Pick<UnmatchedBook, 'all' | 'forgotten'> | undefined;
  /** The other instances; left out where no store is shared. */
  readonly across?: Across | undefined;
  /** One scrape in the format that `accept` (the header, or `''`) asks for. */
  metrics(accept: string): Promise<{ readonly contentType: string; readonly body: string | Buffer }>;
  health(): Readiness;
  /** Reads the configuration again: the keys that changed, or why nothing did. */
  reload?: (() => { readonly changed: readonly string[] } | { readonly faults: readonly string[] }) | undefined;
  /** Told of each scrape, and from whom; the result is called when its answer is out. */
  scraped?(from: string): () => void;
  /** 32 hex digits; undefined when the delivery has no recorded span. */
  traceId?(delivery: Delivery): string | undefined;
  /**
   * Calls `observer` with every step. The result ends the calls. Used only while `/api/v1/stream`
   * has a follower.
   */
  watch?(observer: Observer): () => void;
  /** Changes deliveries by hand; left out where changes are not allowed. */
  readonly operator?: Operator | undefined;
  /** Lost deliveries that the store keeps; left out where nothing outlives the process. */
  readonly deadLetters?: DeadLetterBox | undefined;
  /** Parts from every client; left out where nothing is relayed. */
  readonly drain?: { begin(reason: string): void; progress(): DrainJson } | undefined;
  /** Writes one line about a requested change. */
  audit(line: AuditLine): void;
  readonly settings: AdminSettings;
  readonly info: ServiceInfo;
  /** The folder of the built page. */
  readonly pageFolder: string;
  /**
   * Address of the client behind the proxies that the operator trusts; default = the peer's own.
   * `forwardedFor` is what the request says.
   */
  clientAddress?(peer: string, forwardedFor: string | undefined): string;
  /** Bearer token; undefined = none asked, which only a loopback listener may do. */
  readonly token: string | undefined;
  /** Counts of connections beyond the limit. */
  readonly counters?: AdminCounters | undefined;
  /** Monotonic ms, as in the records. */
  now(): number;
  /**
   * A monotonic time as ms since the epoch, by the wall clock of the moment. Every time is shown so
   * (SPEC D18).
   */
  wallOf(at: number): number;
  readonly report: Report;
}
