// sidecar: sessions that move between instances: what comes here goes on, what goes elsewhere gets no outcome here.
import type { ResumableSession } from '../connection/resumable-session.ts';
import type { SessionRequest } from '../connection/resumption.ts';
import { REPLACED, REPLACED_REASON } from '../connection/session-connection.ts';
import type { Leaving } from '../connection/session-deps.ts';
import type { Report, Store } from '../delivery/ports.ts';
import { type Delivery, isSettled } from '../delivery/record.ts';
import { Session } from '../delivery/session.ts';
import type { Refusal } from '../front/listener.ts';
import type { OpenDelivery } from '../journal/image.ts';
import type { RedisStore } from '../journal/redis/redis-store.ts';
import type { Host, TakenSession } from '../journal/redis/taken.ts';
import type { Registry } from '../resume/registry.ts';
import type { Tokens } from '../resume/token.ts';
import { patiently } from '../time/patience.ts';
import { SERVICE_RESTART } from './drain.ts';
import type { Restored } from './restore.ts';
import { endAsLost, type ReviveDeps, reviveSession } from './reviving.ts';
import { createTakingBack, type Whose } from './taking-back.ts';

export interface SharedDeps extends Omit<ReviveDeps, 'offset'> {
  readonly registry: Pick<Registry<ResumableSession>, 'find' | 'full' | 'has'>;
  readonly index: Pick<Store, 'each'>;
  readonly report: Report;
}

const ELSEWHERE = 'the session goes on at another instance';
/** How long a client waits at the door until it is clear whose its session is, ms. */
const DOOR_MS = 1000;

/** From here on sessions come and go. */
export function attachShared(shared: RedisStore, restored: Restored, deps: SharedDeps): void {
  const { registry, tracker } = deps;
  shared.attach(createHost(shared, restored, deps), tracker, () => !registry.full);
}

function createHost(shared: RedisStore, restored: Restored, deps: SharedDeps): Host {
  const { registry, tracker, report } = deps;
  const revive: ReviveDeps = { ...deps, offset: () => shared.clock.offset() };
  const takingBack = createTakingBack({ claims: () => shared.claims, registry });
  return {
    adopt: (taken) => adopt(shared, taken, { ...revive, restored }, deps),
    endAsLost(open) {
      for (const one of open) {
        try {
          endOne(revive, one);
          restored.lost++;
        } catch (error) {
          report({ stage: 'store', error });
        }
      }
      shared.journal.handOver();
    },
    letGo(id, why, { at: askedAt, had }) {
      const resumable = registry.find(id);
      if (resumable === undefined) return true;
      const { session, connection } = resumable;
      const openedAt = connection?.attended === true ? connection.facts.openedAt : Number.NEGATIVE_INFINITY;
      // The backend of a client that has claimed the session here may not have answered yet.
      const cameAt = resumable.expected ? Math.max(openedAt, resumable.cameAt) : openedAt;
      if (askedAt !== undefined && shared.clock.wallOf(cameAt) > askedAt) return false;
      const told = (): void => shared.journal.left(session, why === 'asked');
      const at = deps.now();
      const lapsedAt = why === 'asked' ? undefined : shared.members.lapsedAt(at);
      const since = lapsedAt ?? (why === 'reaper' ? at : Number.POSITIVE_INFINITY);
      // Where Redis does not say it, others may have what was sent before the lease ran out.
      const elsewhere = ({ ordinal, sentAt }: Delivery) => (had === undefined ? sentAt <= since : ordinal <= had);
      const leave = (whose: Whose): void => {
        const leaving: Leaving = { told, elsewhere, why: whose === 'the end' ? 'shutdown' : 'disconnected' };
        // Without a client elsewhere, the one of an instance that was taken for dead comes again.
        if (whose === 'another client') resumable.leave(REPLACED, REPLACED_REASON, leaving);
        else resumable.leave(SERVICE_RESTART, ELSEWHERE, leaving);
      };
      // Where the client has stayed, the other instance may wait for a client that is here.
      if (why === 'reaper') takingBack.ask(resumable, leave);
      else leave('another client');
      return true;
    },
    whenClear(id, next) {
      const fence = registry.find(id)?.evidenceFence;
      if (fence === undefined) next();
      // A client at the door that waits for that, too, comes first.
      else fence.hold(() => setImmediate(next));
    },
    stops: () => takingBack.stop(),
    keeps(id, used) {
      const resumable = registry.find(id);
      if (resumable === undefined || resumable.used < used) return false;
      return resumable.used > used || resumable.cameAt >= 0;
    },
    forget(numbers) {
      const gone: Delivery[] = [];
      deps.index.each((delivery) => {
        if (isSettled(delivery)) return false;
        if (numbers.has(delivery.seq) && !delivery.session.resumable) gone.push(delivery);
        return true;
      });
      for (const delivery of gone) tracker.handOver(delivery);
    },
  };
}

function adopt(
  shared: RedisStore,
  taken: TakenSession,
  revive: ReviveDeps & { readonly restored: Restored },
  deps: SharedDeps,
): boolean {
  const { journal } = shared;
  const { entry, epoch, awayMs } = taken;
  const resumable = deps.registry.find(entry.key);
  if (resumable !== undefined) {
    const ledger = journal.ledgerOf(resumable.session);
    const had = (ledger && taken.taken.get(ledger.epoch)) ?? entry.ordinal;
    if (had === entry.ordinal) {
      if (ledger !== undefined) goOn(shared, resumable, taken, deps);
      resumable.openFence();
      return true;
    }
    // Other messages have the numbers that this instance has given since, and a connection cannot
    // number anew: the session begins here as it is by now.
    resumable.leave(SERVICE_RESTART, ELSEWHERE, {
      told: () => journal.left(resumable.session, false),
      elsewhere: ({ ordinal }) => ordinal <= had,
      why: 'disconnected',
    });
  }
  return reviveSession(revive, taken, {
    session: (session) => journal.restoredSession(session, entry, epoch),
    delivery: (delivery) => journal.restoredDelivery(delivery),
    refused: (session) => journal.left(session, true),
    awayMs,
  });
}

/** Goes on with a session that this instance has, and that another one had taken over meanwhile. */
function goOn(
  { journal }: RedisStore,
  resumable: ResumableSession,
  { entry, open, epoch }: TakenSession,
  deps: SharedDeps,
): void {
  const { session } = resumable;
  const known = new Set(open.map(({ delivery }) => delivery.seq));
  for (const delivery of session.inFlight()) {
    // What was told, and is not in flight any more, has its outcome there.
    if (delivery.ordinal <= entry.ordinal && !known.has(delivery.seq)) deps.tracker.handOver(delivery);
  }
  // The client may have been welcomed and heard at the other instance.
  const serial = Math.max(resumable.serial, entry.serial);
  const used = Math.max(resumable.used, entry.used);
  const heard = Math.max(resumable.heard, entry.heard);
  Object.assign(resumable, { serial, used, heard });
  const anew = journal.restoredSession(session, { ...entry, serial, used, heard }, epoch);
  for (const delivery of session.inFlight()) journal.restoredDelivery(delivery);
  journal.miss(anew);
}

/** The client of a delivery that was written down and whose session ended with its instance. */
function endOne(revive: ReviveDeps, open: OpenDelivery): void {
  const owner = revive.owners.acquire(open.delivery.user);
  try {
    endAsLost(revive, new Session(open.delivery.session, owner, ''), open);
  } finally {
    revive.owners.release(owner);
  }
}

export interface FetchDeps {
  readonly shared: RedisStore;
  readonly registry: Pick<Registry<ResumableSession>, 'find' | 'full' | 'hasToken'>;
  readonly tokens: Pick<Tokens, 'verify'>;
  /** Monotonic ms. */
  now(): number;
}

/**
 * The instance that has the session does not answer, and is not yet taken for dead; or Redis cannot
 * be asked for a moment.
 */
const HELD: Refusal = { status: 503, reason: 'the session cannot be had yet: come again' };

/**
 * Fetches sessions that other instances have. Only for a client whose token is good: whoever could
 * claim a session without it could cut off its client.
 */
export function createFetch({ shared, registry, tokens, now }: FetchDeps) {
  return ({ optIn, user }: SessionRequest, stays: () => Promise<boolean>): Promise<Refusal | undefined> | undefined => {
    if (optIn?.session === undefined) return undefined;
    const { session, token, last } = optIn;
    const own = registry.find(session);
    if (own === undefined && registry.full) return undefined;
    // Where the lease has run out, others may have what is here.
    const fence = registry.hasToken(session, token, now())?.evidenceFence;
    if (own !== undefined && fence === undefined) return undefined;
    const claim = (): Promise<Refusal | undefined> | undefined => {
      const { fault, serial } = tokens.verify(token, session, user, shared.clock.wallOf(now()));
      if (fault !== undefined) return undefined;
      return shared.claims?.claim(session, { serial, last, stays }).then((claimed) => {
        const soon = claimed === 'unreachable' && shared.gate.soon(now());
        return claimed === 'held' || soon ? HELD : undefined;
      });
    };
    // Sessions are in Redis, and so is the secret behind their tokens.
    if (fence === undefined) return shared.gate.soon(now()) ? Promise.resolve(HELD) : claim();
    // Waits until Redis has said that no instance took it, is late with that, or it is left.
    // An instance that has it may stand still for long, and the client may find another way.
    return new Promise((resolve) => {
      let waits = true;
      const wait = patiently(DOOR_MS, () => {
        waits = false;
        resolve(HELD);
      });
      fence.hold(() => {
        wait.cancel();
        if (waits) resolve(registry.find(session) === own ? undefined : claim());
      });
    });
  };
}
