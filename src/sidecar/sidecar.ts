// sidecar: builds every part from the configuration, starts them in order and stops them in order (SPEC D10).
import type { AddressInfo } from 'node:net';
import { createConnectionBook } from '../admin/connection-book.ts';
import { createMessageLog } from '../admin/message-log.ts';
import { createAdminCounters } from '../admin/places.ts';
import { createAdmin } from '../admin/server.ts';
import { createUnmatchedBook } from '../admin/unmatched-book.ts';
import type { Config } from '../config/config.ts';
import type { Connection } from '../connection/connection.ts';
import { OverdueWords } from '../connection/overdue-words.ts';
import { UNREAD_REASONS, type UnreadReason } from '../connection/parts.ts';
import { createResendBudget } from '../connection/resending.ts';
import type { ResumableSession } from '../connection/resumable-session.ts';
import { createResumption } from '../connection/resumption.ts';
import { createDecoder } from '../decode/decoder.ts';
import { nameInstance, randomInstance } from '../delivery/delivery-id.ts';
import type { Report } from '../delivery/ports.ts';
import { Tracker } from '../delivery/tracker.ts';
import { createFrontCounters } from '../front/counters.ts';
import { createIdentity } from '../identity/identity.ts';
import { createOwners } from '../identity/owners.ts';
import { DEFAULT_RELAY_LIMITS, RelayCounters } from '../relay/tap.ts';
import { createSessionCounters } from '../resume/counters.ts';
import { createRegistry } from '../resume/registry.ts';
import { createTokens } from '../resume/token.ts';
import { createMemoryStore } from '../store/memory.ts';
import type { Stats } from '../telemetry/metrics/stats.ts';
import { now, wall } from '../time/clock.ts';
import { VERSION } from '../version.ts';
import { adminDeps, connectionView } from './admin.ts';
import { openFront, readUpstream } from './admission.ts';
import { startBeats } from './beats.ts';
import { createElsewhere } from './confirm-elsewhere.ts';
import { createDoubt } from './doubting.ts';
import { openFarEnd } from './far-end.ts';
import { guardMemory } from './guard-memory.ts';
import { openHooks } from './hooks.ts';
import { identityOptions } from './identity-options.ts';
import { createScrapes } from './last-scrape.ts';
import { countLimits } from './limit-counts.ts';
import { startLimitLog } from './limit-log.ts';
import { type OutcomeLines, startWatch } from './observe.ts';
import { inFlightOf } from './observe-spans.ts';
import { answerReaders, createAcross } from './read-elsewhere.ts';
import { register, tell } from './register.ts';
import { liveConfig, type Reloaded, type Reread, reload } from './reload.ts';
import { createFetch } from './shared-store.ts';
import { createStopper, type Stoppable, type Stopper } from './stop.ts';
import { handsOver, keepStore, openStore, tokenOffset } from './store.ts';
import { watchTrust } from './tls-files.ts';
import { startUpstreamCheck } from './upstream-check.ts';
import { createWaking } from './waking.ts';

export interface SidecarDeps {
  readonly config: Config;
  /** Reports faults of the world: one call, one log line, unless it is rate-limited. */
  readonly report: Report;
  readonly log: OutcomeLines & { info(fields: object, message: string): void };
  /** Reads what the operator wrote again; without it nothing can be reloaded. */
  readonly reread?: Reread;
  /** From now on the log has lines of this level and above. */
  readonly setLevel?: (level: Config['logLevel']) => void;
}

export interface Sidecar {
  /** Resolves when connections are accepted. Rejects when an address cannot be had. */
  start(): Promise<{ listen: AddressInfo; admin?: AddressInfo }>;
  /** Drains and stops within `shutdown.graceMs`; safe to call twice. `reason` is logged. */
  stop(reason: string): Promise<void>;
  stats(): Stats;
  /**
   * Reads the configuration again: what may change while it runs holds from now on, or nothing
   * does.
   */
  reload(): Reloaded;
}

/**
 * How long a resume token is good after its welcome: as long as a connection may last. The session
 * itself ends earlier.
 */
const TOKEN_LIFE_MS = 24 * 3_600_000;

/** Builds a sidecar; nothing runs before `start`. */
export function createSidecar(deps: SidecarDeps): Sidecar {
  let running: Running | undefined;
  return {
    async start() {
      running = await start(deps);
      return running.addresses;
    },
    stop: (reason) => running?.stopper.stop(reason) ?? Promise.resolve(),
    reload: () => running?.reload() ?? { faults: ['The sidecar has not been started.'] },
    stats() {
      if (running === undefined) throw new Error('the sidecar has not been started');
      return running.watch.stats();
    },
  };
}

interface Running {
  readonly watch: Stoppable['watch'];
  readonly stopper: Stopper;
  readonly addresses: { listen: AddressInfo; admin?: AddressInfo };
  reload(): Reloaded;
}

async function start(deps: SidecarDeps): Promise<Running> {
  const { report, log } = deps;
  const config = liveConfig(deps.config);
  const upstream = readUpstream(config);
  const counters = { relay: new RelayCounters(), front: createFrontCounters(), admin: createAdminCounters() };
  const unread = Object.fromEntries(UNREAD_REASONS.map((reason) => [reason, 0])) as Record<UnreadReason, number>;
  const silent = { cut: 0 };
  const aged = { age: 0, idle: 0 };
  const decoder = createDecoder({ ...config.events, confirmations: config.confirmations });
  const store = createMemoryStore({ history: config.limits.history });
  const identity = createIdentity(identityOptions(config.identity), { now, wall, report });
  const owners = createOwners(config.limits);
  const sessions = createSessionCounters();
  const hooks = openHooks(config, upstream, report);
  const upstreamCheck = startUpstreamCheck(upstream, report, {
    answered: () => counters.front.upgraded + counters.front.refusedByUpstream,
    eager: config.readiness.upstream,
  });
  const memory = guardMemory(config.limits.memory, { report, log }, (on) => {
    tracker.short = on;
  });
  const storeTrust = { ca: config.store.ca?.pem };
  const latest = () => tracker.latest;
  const lasting = await openStore({
    ...{ config, index: store, trust: storeTrust, report, latest },
    traceId: (delivery) => watch.traceId(delivery),
  });
  // Numbers of deliveries go on with the store; without one they begin anew in each process.
  nameInstance(lasting?.file?.name ?? randomInstance(Math.random));
  const journal = lasting?.engine.journal;
  const unmatched = createUnmatchedBook();
  const watch = await startWatch({
    inFlight: inFlightOf(store, latest),
    unmatched: (reason, session, eventId) => unmatched.add(reason, session, eventId, now()),
    memory,
    journal,
    store: lasting,
    limits: config.limits,
    counters,
    decoder,
    unread,
    silent,
    aged,
    tracing: config.tracing,
    agents: config,
    identity: identity.counters,
    sessions,
    retention: () => tracker.retention,
    hooks,
    upstreamUp: () => upstreamCheck.up,
    serviceName: config.serviceName,
    version: VERSION,
    serverPort: config.listen.port,
    now,
    report,
    log,
  });
  if (hooks !== undefined) watch.follow(hooks.observer);
  const { pending, pendingPerUser, messageBytes, confirmationBytes, inFlightBytes, patienceMs } = config.limits;
  const { scanBytes } = config.events;
  const { retainedBytes: bytes, retainedBytesPerUser: bytesPerUser } = config.limits;
  const retention = { bytes, bytesPerUser, bytesPerSession: config.sessions.retainedBytes };
  const limits = { pending, pendingPerUser, retention };
  const tracker = new Tracker({
    store,
    observer: watch.observer,
    limits,
    now: now(),
    random: Math.random,
    reemit: hooks?.reemit,
    elsewhere:
      lasting?.shared &&
      createElsewhere({ shared: lasting.shared, confirmations: () => tracker.confirmations, now, report }),
  });
  const waking = lasting?.shared && createWaking(lasting.shared, now);
  const relay = {
    ...{ reading: waking?.reading, counters: counters.relay },
    limits: { ...DEFAULT_RELAY_LIMITS, messageBytes, scanBytes, inFlightBytes, confirmationBytes, patienceMs },
    now,
    report,
  };
  const connections = new Set<Connection>();
  const state = { draining: false, drained: false, closed: false };
  const scrapes = createScrapes(now);
  const { keys } = config.sessions;
  const tokens = createTokens(keys.length === 0 ? (lasting?.engine.secrets ?? []) : keys, TOKEN_LIFE_MS);
  const places = () => config.limits.connections;
  const registry = createRegistry<ResumableSession>(tokens, places, sessions.resume, tokenOffset(lasting));
  const resumption = createResumption({
    registry,
    tracker,
    counters: sessions,
    ttlMs: config.sessions.ttlMs,
    reloadMs: Math.min(config.sessions.reloadMs, config.sessions.ttlMs),
    silenceMs: config.limits.silenceMs,
    ...{ now, journal, doubt: lasting?.shared && createDoubt(lasting.shared, config.store.leaseMs, now) },
    handsOver: (session) => state.draining && handsOver(lasting, session),
    ended(session) {
      owners.release(session.owner);
      tell(report, () => watch.sessionEnded(session));
    },
    report,
  });
  const { payloads, payloadBytes, messages: capacity } = config.admin;
  const messages = createMessageLog({ capacity, payloadBytes: payloads ? payloadBytes : 0 });
  const book = createConnectionBook(connectionView, (seq) => messages?.release(seq));
  const side = {
    config,
    watch,
    store,
    connections,
    book,
    messages,
    unmatched,
    state,
    drain: (reason: string) => void stopper.drain(reason).catch((error) => report({ stage: 'drain', error })),
    upstreamCheck,
    scrapes,
    report,
    log,
  };
  const { operator, obscured } = tracker;
  const { setLevel = () => {} } = deps;
  const live = { config, decoder, obscured, now, tracker: limits, relay: relay.limits, setLevel };
  const nothing = { faults: ['This process cannot read its configuration again.'] };
  const reloading = (): Reloaded => (deps.reread === undefined ? nothing : reload(live, deps.reread, log));
  const admin = createAdmin(
    adminDeps({
      ...side,
      operator,
      lasting: lasting?.engine,
      deadLetters: lasting?.engine.deadLetters,
      across: lasting?.shared && createAcross(lasting.shared),
      counters: counters.admin,
      reload: reloading,
      resumable: () => Array.from(registry.all(), ({ session }) => session),
    }),
  );
  if (lasting?.shared !== undefined) answerReaders(lasting.shared, admin.answer, report);
  const observer = register({ connections, owners, watch, book, report });
  const overdue = new OverdueWords();
  const parked = { count: 0 };
  const resendBudget = createResendBudget();
  const shared = { messages, tracker, decoder, relay, unread, overdue, parked, observer };
  const connectionDeps = {
    ...{ ...shared, resendBudget, journal },
    get resends() {
      return config.events.rules.some((rule) => rule.resend === true);
    },
  };
  const listener = openFront({
    config,
    upstream,
    counters: counters.front,
    connections,
    admin,
    resumption,
    identity,
    owners,
    connectionDeps,
    farEnd: openFarEnd(config, lasting, report),
    handshakes: watch.handshakes,
    ...(lasting?.shared && { fetchSession: createFetch({ shared: lasting.shared, registry, tokens, now }) }),
    memory,
    report,
  });
  const stopTlsFile = watchTrust({ config, upstream, store: storeTrust, report, log });
  const stopBeats = startBeats({
    ...{ memory, tracker, overdue, waking, connections },
    silent,
    aged,
    watch,
    limits: config.limits,
    unread: { counts: decoder.unread, policy: config.events.unread, relay: counters.relay },
    report,
  });
  const closeStore = keepStore(lasting, { decoder, tracker, resumption, registry, owners, index: store, report, log });
  const limitCounts = countLimits({ relay: counters.relay, tracker, sessions, silent, shed: () => watch.stats().shed });
  const stopLimitLog = startLimitLog(limitCounts, report);
  const stoppable: Stoppable = {
    ...{ connections, resumption, tracker, watch, hooks, listener, admin, state, upstreamCheck, scrapes, lasting },
    ...{ parked, stopBeats, stopLimitLog, stopTlsFile, closeStore, pending: () => store.pending },
  };
  const stopper = createStopper(stoppable, deps);
  const own = config.admin.listen;
  admin.begin();
  const addresses = {
    ...(own === undefined ? {} : { admin: await admin.listen(own.host, own.port) }),
    listen: await listener.listen(config.listen.host, config.listen.port),
  };
  return { addresses, watch, stopper, reload: reloading };
}
