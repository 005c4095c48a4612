// journal: sees to what a dead instance has left: sessions wait here, other deliveries end as lost, each once.
import type { Claims } from './claims.ts';
import { readOpenText } from './fields.ts';
import type { Keys } from './keys.ts';
import type { Link } from './link.ts';
import type { Missing } from './members.ts';
import { BURY, REAP, TAKE } from './scripts.ts';
import type { Host } from './taken.ts';

export interface ReaperDeps {
  readonly link: Link;
  readonly keys: Keys;
  readonly claims: Pick<Claims, 'inherit'>;
  readonly instance: string;
  readonly leaseMs: number;
  /** How long it is remembered which deliveries were taken, ms. */
  readonly lifeMs: number;
  readonly host: Pick<Host, 'endAsLost'>;
  /** Whether one more session has room. */
  room(): boolean;
  /** The time by the clock of Redis, ms. */
  redisNow(): number;
}

/** Deliveries taken at a time. */
const SLICE = 100;

export class Reaper {
  /** Instances seen to, ever. */
  buried = 0;
  readonly #deps: ReaperDeps;
  #busy = false;

  constructor(deps: ReaperDeps) {
    this.#deps = deps;
  }

  /**
   * Sees to them, one after the other, unless others already do. Rejects where Redis does not
   * answer: the next beat tries again.
   */
  async see(missing: readonly Missing[]): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (const one of missing) if (await this.#begins(one)) await this.#inherit(one);
    } finally {
      this.#busy = false;
    }
  }

  async #begins({ instance: dead }: Missing): Promise<boolean> {
    const { link, keys, instance, leaseMs } = this.#deps;
    const all = [keys.leases, keys.reapers, keys.marks, keys.about];
    return (await link.run(REAP, all, [instance, dead, String(leaseMs)])) === 1;
  }

  async #inherit(one: Missing): Promise<void> {
    const { link, keys, leaseMs } = this.#deps;
    const { instance: dead } = one;
    if (!(await this.#sessions(one))) return;
    await this.#others(dead);
    await link.run(BURY, [keys.leases, keys.about, keys.reapers, keys.marks], [dead, String(leaseMs)]);
    this.buried++;
  }

  /**
   * False: there was no room for all of them. Another instance may have some, or this one later.
   */
  async #sessions({ instance: dead, at }: Missing): Promise<boolean> {
    const { link, keys, claims, room, redisNow } = this.#deps;
    const held = (await link.send('smembers', [keys.held(dead)])) as string[];
    for (const [i, session] of held.entries()) {
      if (!room()) return false;
      if (await this.#isLeft(session, dead)) {
        // First it is among those of this instance: one that ends in between would leave a session
        // that nobody finds.
        const noted = link.send('sadd', [keys.held(this.#deps.instance), session]);
        const taken = claims.inherit(session, dead, at === 0 ? 0 : Math.max(0, redisNow() - at));
        const [, claimed] = await Promise.all([noted, taken]);
        if (claimed === 'unreachable') throw new Error('Redis does not answer');
      }
      await link.send('srem', [keys.held(dead), session]);
      // Slow enough that others get their turn, and that the lease on this work is kept.
      if (i % SLICE === SLICE - 1 && !(await this.#begins({ instance: dead, at }))) return false;
    }
    return true;
  }

  /** Whether nobody else has the session by now. */
  async #isLeft(session: string, dead: string): Promise<boolean> {
    const { link, keys } = this.#deps;
    const owner = (await link.send('hget', [keys.session(session), 'owner'])) as string | null;
    return owner === dead || owner === '';
  }

  async #others(dead: string): Promise<void> {
    const { link, keys, host, lifeMs } = this.#deps;
    const numbers = (await link.send('hkeys', [keys.open(dead)])) as string[];
    for (let i = 0; i < numbers.length; i += SLICE) {
      const args = [String(lifeMs), ...numbers.slice(i, i + SLICE)];
      const texts = (await link.run(TAKE, [keys.open(dead), keys.taken(dead)], args)) as string[];
      host.endAsLost(texts.map(readOpenText).filter((open) => open !== undefined));
    }
  }
}
