// journal: which instances there are: each says in every third of its lease that it is there.
import type { RedisClock } from './clock.ts';
import type { Keys } from './keys.ts';
import type { Link } from './link.ts';
import { BEAT, SEEN } from './scripts.ts';

export interface MembersDeps {
  readonly link: Link;
  readonly keys: Keys;
  readonly clock: RedisClock;
  readonly instance: string;
  readonly leaseMs: number;
  /** What the others may know of this instance, as JSON. */
  about(): object;
  now(): number;
}

/**
 * An instance that has not been there for a lease; `at` is when it was, by the clock of Redis, 0 =
 * it has said goodbye.
 */
export interface Missing {
  readonly instance: string;
  readonly at: number;
}

/**
 * Instances that are not there, and whether others have taken this one for dead, or Redis knows
 * nothing of it: it was emptied, or went back in time. `lapsed`: others may have taken its sessions
 * for their clients, and have left no other trace.
 */
export interface Roll {
  readonly missing: readonly Missing[];
  readonly taken: boolean;
  readonly unknown: boolean;
  readonly lapsed: boolean;
}

/** Between two looks at its own connections, ms. */
const LOOK_MS = 20;

export class Members {
  readonly #deps: MembersDeps;
  #nextAt = 0;
  #busy = false;
  /**
   * Time before which no instance is taken for dead (monotonic ms): Redis itself stood still, or
   * this instance did.
   */
  #quietUntil = 0;
  /** When the latest beat began that was answered, monotonic ms. */
  #beatAt: number | undefined = undefined;
  /** When others could take this instance for dead, and when a beat has ended that. */
  #lapse: { readonly at: number; readonly endedAt: number } | undefined = undefined;

  constructor(deps: MembersDeps) {
    this.#deps = deps;
  }

  /** Redis may not have heard anybody for a while. */
  quiet(): void {
    this.#quietUntil = this.#deps.now() + this.#deps.leaseMs;
  }

  /** The time by the clock of Redis, ms. */
  redisNow(): number {
    return this.#deps.clock.wallOf(this.#deps.now());
  }

  /** Whether it is time for the next beat. */
  due(now: number): boolean {
    return !this.#busy && now >= this.#nextAt;
  }

  /**
   * From when on others may have taken this instance for dead, monotonic ms. Undefined = they have
   * not, or it has been there again for a lease: it has heard what they took by then.
   */
  lapsedAt(now: number): number | undefined {
    const ended = this.#endedBefore(now);
    if (ended !== undefined || this.#lapse === undefined) return ended;
    return now < this.#lapse.endedAt + this.#deps.leaseMs ? this.#lapse.at : undefined;
  }

  /** Whether others may have taken this instance for dead, and it has not asked since. */
  overdue(now: number): boolean {
    return this.#endedBefore(now) !== undefined;
  }

  #endedBefore(now: number): number | undefined {
    const end = this.#beatAt === undefined ? now : this.#beatAt + this.#deps.leaseMs;
    return end < now ? end : undefined;
  }

  /** Says that this instance is there. Rejects where Redis does not answer. */
  async beat(): Promise<Roll> {
    const { link, keys, instance, leaseMs, clock, now } = this.#deps;
    const from = now();
    const gap = leaseMs / 3;
    this.#nextAt = from + gap;
    this.#busy = true;
    try {
      const args = [instance, JSON.stringify({ ...this.#deps.about(), lease: leaseMs }), String(leaseMs)];
      const asked = link.run(BEAT, [keys.leases, keys.about, keys.reapers], args);
      const [time, before, missing, begun] = (await asked) as [string, string, string[], number];
      const to = now();
      const at = this.#endedBefore(from);
      if (at !== undefined) this.#lapse = { at, endedAt: from };
      this.#beatAt = from;
      clock.sample(from, to, Number(time));
      // Beats that came late say that beats of others may be late too.
      if (before !== '' && Number(before) > 0 && Number(time) - Number(before) > gap * 2) this.quiet();
      return { missing: this.#judge(missing), taken: begun > 0, unknown: before === '', lapsed: at !== undefined };
    } finally {
      this.#busy = false;
    }
  }

  /** How long ago the instance was there, ms, and whether it may be taken for dead. */
  async away(instance: string): Promise<{ readonly ms: number; readonly dead: boolean }> {
    const { link, keys, leaseMs, now } = this.#deps;
    const answer = await link.run(SEEN, [keys.leases, keys.marks, keys.about], [instance, String(leaseMs)]);
    const [time, seen, read, lease] = answer as [string, string, string, string];
    if (seen === '' || Number(seen) === 0) return { ms: 0, dead: true };
    const ms = Number(time) - Number(seen);
    // What it wrote may be under way for longer than it is there itself.
    const still = Number(time) - Number(read || '0');
    return { ms, dead: Math.min(ms, still) > Number(lease) && now() >= this.#quietUntil };
  }

  /** Whether Redis has not yet read all that the instance wrote, or the instance is still there. */
  async writes(instance: string): Promise<boolean> {
    return (await this.#connections(instance)) > 0;
  }

  /**
   * Resolves when Redis has read all that this instance wrote over earlier connections, or after a
   * third of the lease: a connection that is dead unnoticed has nothing under way.
   */
  async alone(): Promise<void> {
    const { instance, leaseMs, now } = this.#deps;
    const until = now() + leaseMs / 3;
    while ((await this.#connections(instance)) > 1 && now() < until)
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }

  /** Connections on which the instance writes, one that is given up and not read to its end too. */
  async #connections(instance: string): Promise<number> {
    const { link, keys } = this.#deps;
    const [, count] = (await link.send('pubsub', ['NUMSUB', keys.presence(instance)])) as [string, number];
    return Number(count);
  }

  /** Instances that are gone, and of which Redis has not read everything yet. */
  async leaving(): Promise<string[]> {
    const { link, keys, instance } = this.#deps;
    const start = keys.presence('');
    const pattern = `${start.replace(/[\\*?[\]]/g, '\\$&')}*`;
    const channels = (await link.send('pubsub', ['CHANNELS', pattern])) as string[];
    const others = channels.map((channel) => channel.slice(start.length)).filter((name) => name !== instance);
    if (others.length === 0) return [];
    const flat = (await link.send('pubsub', ['NUMSUB', ...others.map(keys.channel)])) as (string | number)[];
    return others.filter((_, i) => Number(flat[i * 2 + 1]) === 0);
  }

  /** Others read the names of all instances, and what is known of each. */
  async all(): Promise<ReadonlyMap<string, string>> {
    const { link, keys } = this.#deps;
    const names = (await link.send('hkeys', [keys.about])) as string[];
    if (names.length === 0) return new Map();
    const values = (await link.send('hmget', [keys.about, ...names])) as (string | null)[];
    return new Map(names.map((name, i) => [name, values[i] ?? '']));
  }

  #judge(flat: readonly string[]): Missing[] {
    const { instance, now } = this.#deps;
    const missing: Missing[] = [];
    for (let i = 0; i + 1 < flat.length; i += 2) missing.push({ instance: flat[i]!, at: Number(flat[i + 1]) });
    const loud = now() >= this.#quietUntil;
    return missing.filter((one) => one.instance !== instance && (loud || one.at === 0));
  }
}
