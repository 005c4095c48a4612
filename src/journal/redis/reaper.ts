// journal: sees to what a dead instance has left: sessions wait here, other deliveries end as lost, each once.
import type { Claims } from './claims.ts';
import { readOpenText } from './fields.ts';
import type { Keys } from './keys.ts';
import type { Link } from './link.ts';
import type { Missing } from './members.ts';
import { BURY, DO, REAP, TAKE } from './scripts.ts';
import type { Host } from './taken.ts';

export interface ReaperDeps {
  readonly link: Pick<Link, 'send' | 'run' | 'write' | 'read'>;
  readonly keys: Keys;
  readonly claims: Pick<Claims, 'inherit' | 'homeless'>;
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
      await this.#house();
      for (const one of missing) if (await this.#begins(one)) await this.#inherit(one);
    } finally {
      this.#busy = false;
    }
  }

  /** Takes in what there was no room for, unless another instance has done so. */
  async #house(): Promise<void> {
    const { link, keys, claims, instance, room } = this.#deps;
    for (const session of claims.homeless) {
      if (!room()) return;
      const claimed = await claims.inherit(session, '', 0);
      if (claimed === 'full') return;
      if (claimed === 'unreachable') throw new Error('Redis does not answer');
      if (claimed === 'adopted') continue;
      claims.homeless.delete(session);
      await link.send('srem', [keys.held(instance), session]);
    }
  }

  async #begins({ instance: dead }: Missing): Promise<boolean> {
    const { link, keys, instance, leaseMs } = this.#deps;
    const all = [keys.leases, keys.reapers, keys.marks, keys.about];
    return (await link.run(REAP, all, [instance, dead, String(leaseMs)])) === 1;
  }

  async #inherit(one: Missing): Promise<void> {
    const { link, keys, leaseMs } = this.#deps;
    const { instance: dead, at } = one;
    if (!(await this.#sessions(one)) || !(await this.#others(one))) return;
    // A buried instance is not looked at again: one that has been back since may have left more.
    await link.read();
    const all = [keys.leases, keys.about, keys.reapers, keys.marks];
    if ((await link.run(BURY, all, [dead, String(leaseMs), String(at)])) === 1) this.buried++;
  }

  /**
   * False: there was no room for all of them, or the instance is back. Another instance may have
   * some, or this one later.
   */
  async #sessions(one: Missing): Promise<boolean> {
    const { link, keys, claims, room, redisNow } = this.#deps;
    const { instance: dead, at } = one;
    const held = (await link.send('smembers', [keys.held(dead)])) as string[];
    for (const session of held) {
      if (!room()) return false;
      // One that is taken from an instance that is back would be there as well: this one may have
      // stood still since the last.
      const [begins, left] = await Promise.all([this.#begins(one), this.#isLeft(session, dead)]);
      if (!begins) return false;
      if (left) {
        // First it is among those of this instance: one that ends in between would leave a session
        // that nobody finds.
        const noted = link.send('sadd', [keys.held(this.#deps.instance), session]);
        const taken = claims.inherit(session, dead, at === 0 ? 0 : Math.max(0, redisNow() - at));
        const [, claimed] = await Promise.all([noted, taken]);
        if (claimed === 'unreachable') throw new Error('Redis does not answer');
        if (claimed === 'full') return false;
      }
      await link.send('srem', [keys.held(dead), session]);
    }
    return true;
  }

  /** Whether nobody else has the session by now. */
  async #isLeft(session: string, dead: string): Promise<boolean> {
    const { link, keys } = this.#deps;
    const owner = (await link.send('hget', [keys.session(session), 'owner'])) as string | null;
    return owner === dead || owner === '';
  }

  /** False: another instance may have begun with them. */
  async #others(one: Missing): Promise<boolean> {
    const { link, keys, host, lifeMs, leaseMs, redisNow } = this.#deps;
    const { instance: dead } = one;
    const [open, ending] = [keys.open(dead), keys.ending(dead)];
    const both = await Promise.all([link.send('hkeys', [open]), link.send('hkeys', [ending])]);
    const numbers = [...new Set((both as string[][]).flat())];
    for (let i = 0; i < numbers.length; i += SLICE) {
      const slice = numbers.slice(i, i + SLICE);
      const since = redisNow();
      const fence = ((await link.send('get', [keys.fence(dead)])) as string | null) ?? '';
      if (!(await this.#begins(one))) return false;
      const all = [open, keys.taken(dead), ending, keys.fence(dead)];
      const texts = (await link.run(TAKE, all, [String(lifeMs), fence, ...slice])) as string[] | null;
      if (texts === null || redisNow() - since >= leaseMs) return false;
      host.endAsLost(texts.map(readOpenText).filter((each) => each !== undefined));
      // In the same turn, behind their dead letters: an instance that is killed before that leaves
      // them to the next one.
      link.write(DO, [ending], ['HDEL', ...slice]);
    }
    return true;
  }
}
