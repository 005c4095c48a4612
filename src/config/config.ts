// config: the resolved configuration: what every other part reads. Durations are milliseconds, sizes bytes; nothing here is a string to parse.
import type { Policy } from '../delivery/policy.ts';

/** Where to accept connections. Port 0 lets the system choose. */
export interface Address {
  /** A name or an IP address, without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Which events are tracked and what they need; the first rule whose `match` fits wins. */
export interface EventRule extends Policy {
  /** Globs over the event type: `*` and `?`. */
  readonly match: readonly string[];
  /** False = relayed and not tracked. */
  readonly track: boolean;
}

/** A message of the application that confirms an event. Values other than `type` are JSON pointers (RFC 6901). */
export interface ConfirmationMatch {
  readonly type: string;
  readonly id: string;
  readonly status: string;
  readonly error: string;
}

/** Where an event keeps its facts (JSON pointers, first hit wins) and what the rules ask of it. */
export interface EventsConfig {
  readonly type: readonly string[];
  readonly id: readonly string[];
  readonly run: readonly string[];
  readonly user: readonly string[];
  readonly tool: readonly string[];
  readonly toolCall: readonly string[];
  readonly traceparent: readonly string[];
  readonly rules: readonly EventRule[];
  /** Whether messages that hold no event are proven at `received` too, or only counted. */
  readonly unread: 'track' | 'count';
  /** Event types past this number share the label `other`. */
  readonly maxTypes: number;
  /** How far into a message facts are looked for, bytes. */
  readonly scanBytes: number;
}

/** One place to find the user of a connection: `name` is the claim, header, cookie or query parameter; '' for `event`. */
export interface UserSource {
  readonly from: 'jwt' | 'header' | 'cookie' | 'query' | 'event';
  readonly name: string;
}

/** Who a connection belongs to: whoever is proven, else nobody. */
export interface IdentityConfig {
  /** In order; the first that says something decides. Empty = no connection has a user. */
  readonly user: readonly UserSource[];
  /** `upstream`: what the backend accepted is proven. `none`: only a JWT that is verified here proves its user. */
  readonly trust: 'none' | 'upstream';
  readonly jwtFrom: readonly ('authorization' | 'subprotocol' | 'query')[];
  /** Query parameters that may hold a JWT. */
  readonly jwtQuery: readonly string[];
  /** PEM text of a public key or certificate, a JWK as JSON, or a shared secret. */
  readonly jwtKey: string | undefined;
  readonly jwksUrl: string | undefined;
  readonly jwtIssuer: string | undefined;
  readonly jwtAudience: string | undefined;
  /** How long an upgrade may wait for its token to be verified. */
  readonly timeoutMs: number;
}

/** Event types that start and end an agent's tools and runs, and how long to wait for an end. */
export interface AgentConfig {
  readonly tools: {
    readonly start: readonly string[];
    readonly end: readonly string[];
    readonly orphanAfterMs: number;
    /** Open calls watched at most. */
    readonly limit: number;
  };
  readonly runs: {
    readonly start: readonly string[];
    readonly step: readonly string[];
    readonly end: readonly string[];
    readonly silentAfterMs: number;
    /** Runs watched at most. */
    readonly limit: number;
  };
}

/** Notices to the backend about deliveries that ended badly or should be emitted again. */
export interface HooksConfig {
  /** `/path` of the upstream, or an http(s) address; undefined = no hooks. */
  readonly url: string | undefined;
  /** `whsec_…`, the newest first; at least one where there is a `url`. */
  readonly secrets: readonly string[];
  readonly events: readonly ('failed' | 'timeout' | 'unverifiable' | 'reemit')[];
  /** Whether the message goes along where it is still kept. */
  readonly payload: boolean;
  /** From a request to the end of its answer. */
  readonly timeoutMs: number;
  /** Requests per notice. */
  readonly tries: number;
  /** Notices that may wait. */
  readonly queue: number;
  /** Requests at a time. */
  readonly concurrency: number;
}

/** Everything the operator can decide. Read-only: made once by `loadConfig`. */
export interface Config extends AgentConfig {
  readonly listen: Address;
  /** `http://host:port[/path]`, `https://…` or `unix:/path`. */
  readonly upstream: string;
  /** `preserve`: the client's Host header goes on; `upstream`: that of the address; else the value itself. */
  readonly upstreamHost: string;
  readonly upstreamTls: {
    /** True = any certificate is accepted. */
    readonly insecure: boolean;
    /** PEM text of the authorities to trust instead of Node's own. */
    readonly ca: string | undefined;
  };
  /** IP addresses and CIDR ranges of peers whose `X-Forwarded-*` and `Forwarded` are believed. */
  readonly trustedProxies: readonly string[];
  readonly admin: {
    /** Undefined = no admin port. */
    readonly listen: Address | undefined;
    readonly token: string | undefined;
    /** Path on the public listener under which the admin API is served too, e.g. `/.ackspan`. */
    readonly mount: string | undefined;
  };
  readonly readiness: {
    /** Whether being ready depends on the upstream taking connections. */
    readonly upstream: boolean;
  };
  readonly events: EventsConfig;
  readonly confirmations: readonly ConfirmationMatch[];
  readonly identity: IdentityConfig;
  readonly tracing: {
    /** Share of confirmed deliveries whose span is kept, 0 to 1. Everything else is always kept. */
    readonly keepConfirmed: number;
    /** A confirmed delivery slower than this is always kept. */
    readonly slowMs: number;
    readonly events: 'span' | 'log' | 'both';
    /** What becomes of the trace that an upgrade request names, or does not. */
    readonly propagate: 'existing' | 'always' | 'never';
    /** Key of the HMAC behind `user.hash`; undefined = no such attribute. */
    readonly userHashKey: string | undefined;
  };
  readonly store: 'memory';
  readonly limits: {
    readonly pending: number;
    readonly pendingPerUser: number;
    readonly connections: number;
    readonly connectionsPerUser: number;
    /** Longest message that is read for tracking; longer ones are relayed unread. */
    readonly messageBytes: number;
    /** What is kept of messages under way until they can be read, over all connections. */
    readonly inFlightBytes: number;
    /** Share of the memory of the container (or machine) that the process may have; 0 = no bound. */
    readonly memory: number;
    /** Longest client message that can be a confirmation; longer ones are forwarded unread. */
    readonly confirmationBytes: number;
    readonly handshakeMs: number;
    /** How long evidence on its way is waited for when a connection ends. */
    readonly patienceMs: number;
    /** After so long without a byte or an answer a client is cut off; 0 = never. */
    readonly silenceMs: number;
    /** How long the client of a plain request may do nothing while it is waited for; 0 = for ever. */
    readonly stallMs: number;
    /** Bytes of messages kept for replays, in all. */
    readonly retainedBytes: number;
    readonly retainedBytesPerUser: number;
    /** Settled deliveries kept for the admin API. */
    readonly history: number;
  };
  readonly sessions: {
    /** How long a session outlives its connection. */
    readonly ttlMs: number;
    /** How long after the page went away (Close 1001). */
    readonly reloadMs: number;
    /** Bytes of messages kept for replays, per session. */
    readonly retainedBytes: number;
    /** Keys of resume tokens, the signing one first; none = a random key of this process. */
    readonly keys: readonly string[];
  };
  readonly hooks: HooksConfig;
  readonly shutdown: { readonly graceMs: number };
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
  readonly serviceName: string;
}

/** What config may not know by itself: the decoder's pointers, rules and matchers, given by whoever joins the two. */
export interface Defaults {
  readonly events: Omit<EventsConfig, 'maxTypes' | 'scanBytes' | 'unread'>;
  readonly confirmations: readonly ConfirmationMatch[];
}
