// sidecar: a confirmation at one instance of an event that another one sent to the same user (SPEC D6).
import type { Confirmations } from '../delivery/confirmations.ts';
import type { AskElsewhere, Report } from '../delivery/ports.ts';
import type { Session } from '../delivery/session.ts';
import { Asking } from '../journal/redis/asking.ts';
import type { RedisStore } from '../journal/redis/redis-store.ts';

export interface ElsewhereDeps {
  readonly shared: Pick<RedisStore, 'wire' | 'clock' | 'instance' | 'gate'>;
  readonly confirmations: () => Confirmations;
  /** Monotonic ms. */
  now(): number;
  readonly report: Report;
}

/** What a confirmation says, and when it came (monotonic ms). */
interface Word {
  readonly eventId: string;
  readonly rejected: boolean;
  readonly error: string;
  readonly cameAt: number;
}

/** How long other instances may take to answer, ms. */
const PATIENCE_MS = 1000;
/**
 * How far apart two instances may be in what they take for the time of Redis, beside what they know
 * of it, ms.
 */
const MARGIN_MS = 2;

/**
 * Asks the other instances how many sessions of the user were sent the event. Only where all
 * answer, and it is exactly one, that one is told. Everything else changes nothing, and is counted.
 */
export function createElsewhere(deps: ElsewhereDeps): AskElsewhere {
  const { shared, confirmations, report } = deps;
  const { wire, clock, instance, gate } = shared;
  const seeking = new Asking<{ readonly from: string; readonly count: number }>(wire, PATIENCE_MS);
  const confirming = new Map<number, (effect: boolean) => void>();
  let asked = 0;
  answerOthers(deps);
  wire.on('found', ({ ask, from, count }) => seeking.answered(ask, { from, count }));
  wire.on('confirmed', ({ ask, effect }) => confirming.get(ask)?.(effect));

  async function holderOf(user: string, event: string): Promise<string | undefined> {
    const { answers, missing } = await seeking.ask((ask) => ({ kind: 'seek', ask, from: instance, user, event }));
    const found = answers.filter(({ count }) => count !== 0);
    return missing === 0 && found.length === 1 && found[0]!.count === 1 ? found[0]!.from : undefined;
  }

  async function tell(holder: string, user: string, { eventId, rejected, error, cameAt }: Word): Promise<boolean> {
    const ask = ++asked;
    let timer: NodeJS.Timeout | undefined;
    const effect = new Promise<boolean>((resolve) => {
      confirming.set(ask, resolve);
      timer = setTimeout(() => resolve(false), PATIENCE_MS);
    });
    try {
      const time = { at: clock.wallOf(cameAt), margin: clock.error + MARGIN_MS };
      const word = { ask, from: instance, user, event: eventId, rejected, error, ...time };
      await wire.tell(holder, { kind: 'confirm', ...word });
      return await effect;
    } finally {
      clearTimeout(timer);
      confirming.delete(ask);
    }
  }

  async function see(session: Session, user: string, word: Word): Promise<void> {
    try {
      const holder = await holderOf(user, word.eventId);
      if (holder !== undefined && (await tell(holder, user, word))) return;
    } catch (error) {
      report({ stage: 'store', error });
    }
    confirmations().count(session, word.eventId);
  }

  return (session, word, cameAt) => {
    const { user } = session;
    if (user === undefined || !gate.open || seeking.full || clock.error > PATIENCE_MS) return false;
    void see(session, user, { ...word, cameAt });
    return true;
  };
}

/** What this instance answers to others, and does for them. */
function answerOthers({ shared, confirmations, now }: ElsewhereDeps): void {
  const { wire, clock, instance } = shared;
  wire.on('seek', ({ ask, from, user, event }) => {
    if (from === instance) return;
    const count = confirmations().sessionsOf(user, event)?.length ?? -1;
    wire.say(from, { kind: 'found', ask, from: instance, count });
  });
  wire.on('confirm', ({ ask, from, user, event, rejected, error, at, margin }) => {
    const found = confirmations().sessionsOf(user, event) ?? [];
    const [newest] = found;
    let effect = false;
    if (newest !== undefined && found.length === 1) {
      const cameAt = at - clock.offset() - margin - clock.error;
      confirmations().fromElsewhere(newest, rejected, error, cameAt, now());
      effect = true;
    }
    wire.say(from, { kind: 'confirmed', ask, effect });
  });
}
