// sidecar: the public port joined with sessions: every upgrade becomes a connection, of a new or a resumed session.
import type { IncomingMessage } from 'node:http';
import type { Admin } from '../admin/server.ts';
import type { Config } from '../config/config.ts';
import { Connection } from '../connection/connection.ts';
import type { ConnectionDeps, ConnectionFacts } from '../connection/parts.ts';
import type { Resumption, SessionRequest } from '../connection/resumption.ts';
import { agentFamily } from '../connection/user-agent.ts';
import type { Report } from '../delivery/ports.ts';
import { Session } from '../delivery/session.ts';
import type { Rejoining } from '../front/accept.ts';
import type { FrontCounters } from '../front/counters.ts';
import type { FarEnd } from '../front/far-end.ts';
import { headerValues, plainAddress, type RawHeaders, traceparentOf } from '../front/headers.ts';
import { type Admission, createListener, type Listener, type Refusal } from '../front/listener.ts';
import { outgoingHead } from '../front/outgoing.ts';
import { stays } from '../front/presence.ts';
import { createPeerCheck } from '../front/trusted-proxies.ts';
import { nextConnectionId } from '../front/upgrade.ts';
import type { HandshakeTrace, Upgraded } from '../front/upgraded.ts';
import { authorityOf, parseUpstream, type Upstream } from '../front/upstream.ts';
import type { Identified, Identity } from '../identity/identity.ts';
import type { Owners } from '../identity/owners.ts';
import type { IdentityRequest } from '../identity/request.ts';
import { readUser } from '../identity/user.ts';
import { readOptIn, withoutOptIn } from '../resume/opt-in.ts';
import type { Handshakes } from './observe.ts';
import { createPlaces } from './upstream-places.ts';

export interface FrontDeps {
  readonly config: Config;
  readonly upstream: Upstream;
  readonly counters: FrontCounters;
  readonly connections: ReadonlySet<Connection>;
  readonly admin: Admin;
  readonly resumption: Resumption;
  readonly identity: Identity;
  readonly owners: Owners;
  readonly connectionDeps: ConnectionDeps;
  /**
   * Fetches the session that a request asks for, where another instance has it. Undefined = there
   * is nothing to wait for. Resolves with a refusal where the client has to ask again. `stays`:
   * whether the client is still there.
   */
  fetchSession?(ticket: SessionRequest, stays: () => Promise<boolean>): Promise<Refusal | undefined> | undefined;
  readonly handshakes: Handshakes | undefined;
  readonly farEnd: FarEnd | undefined;
  /** Whether memory runs out. */
  readonly memory: { readonly refusing: boolean };
  readonly report: Report;
}

/** The facts about an upgrade request, from its admission to its connection. */
export interface Ticket extends SessionRequest {
  /** The user of the request; undefined = that could not be found out. */
  readonly who: Identified | undefined;
}

const TOO_MANY = 'too many connections of this user (limits.connections_per_user)';
const NO_MEMORY: Refusal = { status: 503, reason: 'too little memory (limits.memory)', counter: 'refusedByMemory' };
/** RFC 6455 registry, "Try Again Later". */
const TRY_AGAIN_LATER = 1013;

/** The address of the backend. Throws when the configuration's address is none. */
export function readUpstream(config: Config): Upstream {
  const { upstreamHost, trustedProxies } = config;
  const { ca, insecure } = config.upstreamTls;
  const parsed = parseUpstream(config.upstream, { verifyTls: !insecure, ca: ca?.pem });
  if (parsed.upstream === undefined) throw new Error(parsed.fault);
  const upstream = { ...parsed.upstream, trustsPeer: createPeerCheck(trustedProxies) };
  if (upstreamHost === 'preserve') return upstream;
  return { ...upstream, hostHeader: upstreamHost === 'upstream' ? authorityOf(upstream) : upstreamHost };
}

/** Builds the listener. */
export function openFront(deps: FrontDeps): Listener {
  const { config, upstream, connections, admin, resumption, report } = deps;
  const { parked } = deps.connectionDeps;
  const { mount } = config.admin;
  const places = createPlaces({
    ...{ limits: config.limits, resumption, away: () => parked.count },
    // Every client has an upstream connection, and so has a client that is away for a moment.
    taken: () => connections.size + parked.count + listener.handshaking,
  });
  const listener: Listener = createListener<Ticket>({
    upstream,
    counters: deps.counters,
    handshakeTimeoutMs: config.limits.handshakeMs,
    stallMs: config.limits.stallMs,
    // A client that can be asked by a barrier has been asked by then.
    probeMs: 2 * config.limits.silenceMs,
    connections: () => connections.size,
    otherSockets: () => admin.connections,
    admit: (request) =>
      deps.memory.refusing ? { refusal: NO_MEMORY } : places.admit(request, () => identify(deps, request)),
    room: () => places.free,
    rewritePath: (_, path) => withoutOptIn(path),
    uncompressed: ({ url }, ticket = createTicket(url)) => ticket.optIn !== undefined,
    rejoin: (request, ticket = createTicket(request.url)) => rejoin(deps, request, ticket),
    farEnd: deps.farEnd,
    mount: mount === undefined ? undefined : { path: mount, handle: (req, res) => admin.handle(req, res, mount) },
    trace: handshakeTrace(deps),
    onUpgraded: (upgraded, ticket = createTicket(upgraded.request.url)) => open(deps, upgraded, ticket),
    report,
  });
  return listener;
}

/** The part of a request that the backend is shown: it can have checked nothing else (SPEC D19). */
export function shownUpstream(request: IncomingMessage, upstream: Upstream): IdentityRequest {
  const { path, headers } = outgoingHead(request, upstream);
  return { url: withoutOptIn(path), rawHeaders: headers };
}

/**
 * The ticket of a request for `url`. Without `who` the request has no user, because that could not
 * be found out.
 */
export function createTicket(url = '', who?: Identified): Ticket {
  return { who, user: who?.user, optIn: readOptIn(url), claim: undefined };
}

/**
 * Finds the user of a request, and refuses a user who has enough connections. A client that comes
 * back replaces a connection.
 */
function identify(deps: FrontDeps, request: IncomingMessage): Admission<Ticket> | Promise<Admission<Ticket>> {
  const { identity, owners, upstream } = deps;
  const decide = (who: Identified): Admission<Ticket> | Promise<Admission<Ticket>> => {
    const ticket = createTicket(request.url, who);
    if (owners.full(who.user) && ticket.optIn?.session === undefined)
      return { refusal: { status: 429, reason: TOO_MANY, counter: 'refusedByUserLimit' } };
    const fetched = deps.fetchSession?.(ticket, () => stays(request.socket));
    if (fetched === undefined) return { ticket };
    return fetched.then((refusal) => (refusal === undefined ? { ticket } : { refusal }));
  };
  const who = identity.identify(shownUpstream(request, upstream));
  if (!(who instanceof Promise)) return decide(who);
  // Keys may take longer to come than the session of the client has left.
  const release = deps.resumption.hold(createTicket(request.url));
  return who.then(decide).finally(release);
}

/** Takes over two upgraded sockets. Keeps strings of the request, never its objects. */
export function open(deps: FrontDeps, upgraded: Upgraded, ticket: Ticket): void {
  const { config, connectionDeps, resumption, owners, counters, report } = deps;
  const { who, user } = ticket;
  const { id, rawHeaders, url, remoteAddress } = upgraded.request;
  const now = connectionDeps.relay.now();
  const facts = readFacts({
    id,
    rawHeaders,
    url,
    remote: remoteAddress,
    subprotocol: upgraded.subprotocol,
    openedAt: now,
  });
  const owner = owners.acquire(user);
  // The parent is the client's own trace only. Where the upstream was given the connection's span,
  // that span is linked to.
  const traceparent = config.tracing.propagate === 'never' ? '' : (traceparentOf(rawHeaders) ?? '');
  const opening = resumption.open(ticket, owner, traceparent);
  const session = opening?.resumable.session ?? new Session(id, owner, traceparent, now);
  // The session has its owner already: one session is given back once.
  if (opening?.recovered === true) owners.release(owner);
  session.claimedUser = who?.claimed ?? session.claimedUser;
  connectionDeps.tracker.obscured.begun(session);
  const connection = new Connection(facts, session, connectionDeps, opening?.resumable);
  if (who?.learn === 'user') connection.adopt = (user) => adopt(deps, connection, user);
  else if (who?.learn === 'claim') connection.adopt = (user) => claim(session, user);
  opening?.begin(connection);
  // Several handshakes may have been let in together. A client that comes back replaces a
  // connection that may still be closing.
  const crowded = opening?.recovered !== true && owners.full(owner.user);
  connection.start(upgraded);
  if (!crowded) return;
  counters.refusedByUserLimit++;
  report({ stage: 'relay.limit', error: new Error(`connection closed with ${TRY_AGAIN_LATER}: ${TOO_MANY}`) });
  connection.close(TRY_AGAIN_LATER, TOO_MANY);
}

/** Joins a client that comes back while its upstream connection is still there. */
export function rejoin(deps: FrontDeps, request: IncomingMessage, ticket: Ticket): Rejoining | undefined {
  const returning = deps.resumption.rejoin(request, ticket);
  if (returning === undefined) return undefined;
  const { session, subprotocol } = returning;
  return {
    subprotocol,
    join(client, head) {
      const remote = plainAddress(client.remoteAddress);
      const now = deps.connectionDeps.relay.now();
      const id = nextConnectionId();
      session.claimedUser = ticket.who?.claimed ?? session.claimedUser;
      const facts = readFacts({
        ...{ id, remote, subprotocol, openedAt: now },
        rawHeaders: request.rawHeaders,
        url: request.url!,
      });
      returning.join(facts, client, head);
    },
  };
}

/** Takes the user that an event has proven for the session. */
function adopt({ owners, connectionDeps }: FrontDeps, { session, attended }: Connection, user: string): void {
  owners.adopt(session, user, attended);
  connectionDeps.tracker.obscured.begun(session);
  if (session.resumable && session.user !== undefined) connectionDeps.journal?.owned(session);
}

let connections = 0;

interface RequestFacts extends Pick<ConnectionFacts, 'id' | 'remote' | 'subprotocol' | 'openedAt'> {
  readonly rawHeaders: RawHeaders;
  readonly url: string;
}

/**
 * Facts of a connection. Each member is written out: an object that is spread together has a shape
 * of its own, 312 bytes for each connection.
 */
function readFacts({ id, remote, subprotocol, openedAt, rawHeaders, url }: RequestFacts): ConnectionFacts {
  const path = url.split('?', 1)[0]!;
  const agent = agentFamily(headerValues(rawHeaders, 'user-agent')[0]);
  const { host, port } = authority(rawHeaders);
  return { id, seq: ++connections, remote, path, host, port, subprotocol, agent, openedAt };
}

/** Keeps the first user that an event names without proof. */
function claim(session: Session, user: string): void {
  if (session.claimedUser !== undefined) return;
  const named = readUser(user);
  if (typeof named !== 'string') session.claimedUser = named.user;
}

/** Where the client connected to, as its Host header has it. */
function authority(headers: RawHeaders): { host: string; port: number } {
  const value = headerValues(headers, 'host')[0] ?? '';
  const host = value.replace(/:\d+$/, '');
  return { host, port: Number(value.slice(host.length + 1)) };
}

/**
 * Names the connection's span to an upstream whose client brought no trace. A fault in there costs
 * a span, not a connection (SPEC D8).
 */
function handshakeTrace({ config, handshakes, connectionDeps, report }: FrontDeps): HandshakeTrace | undefined {
  if (config.tracing.propagate !== 'always' || handshakes === undefined) return undefined;
  return {
    begin({ id, rawHeaders }) {
      try {
        return handshakes.begin({ id, ...authority(rawHeaders), openedAt: connectionDeps.relay.now() });
      } catch (error) {
        report({ stage: 'watch', error });
        return undefined;
      }
    },
    refused({ id }, status) {
      try {
        handshakes.refused(id, status);
      } catch (error) {
        report({ stage: 'watch', error });
      }
    },
  };
}
