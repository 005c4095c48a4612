// journal: says on each beat that this instance is there, and does what follows from what others have done meanwhile.
import type { RedisClock } from './clock.ts';
import type { Keys } from './keys.ts';
import type { Link } from './link.ts';
import type { Members, Missing } from './members.ts';
import type { Reaper } from './reaper.ts';
import type { Refusals } from './refusals.ts';
import { FENCE } from './scripts.ts';
import type { Host } from './taken.ts';

export interface RollCallDeps {
  readonly link: Pick<Link, 'send' | 'run'>;
  readonly keys: Keys;
  readonly instance: string;
  readonly lifeMs: number;
  readonly members: Pick<Members, 'beat' | 'overdue'>;
  readonly refusals: Pick<Refusals, 'look'>;
  readonly clock: Pick<RedisClock, 'wasSet'>;
  now(): number;
  host(): Pick<Host, 'forget'> | undefined;
  reaper(): Pick<Reaper, 'see'> | undefined;
  /** Finds out what Redis may have lost, and writes everything again. */
  join(): Promise<void>;
  /** Redis has dropped some of what it was told. */
  dropped(): Promise<void>;
  startAnew(): void;
  refused(error: Error): void;
}

export class RollCall {
  readonly #deps: RollCallDeps;
  /** Questions about what others have done that are under way. */
  #asking = 0;

  constructor(deps: RollCallDeps) {
    this.#deps = deps;
  }

  /** Whether Redis has said what others have ended, where they may have taken this one for dead. */
  get over(): boolean {
    return this.#asking === 0 && !this.#deps.members.overdue(this.#deps.now());
  }

  async beat(): Promise<void> {
    const { reaper, refused } = this.#deps;
    this.#asking++;
    try {
      const missing = await this.#ask().finally(() => this.#asking--);
      await reaper()?.see(missing);
    } catch (error) {
      refused(error as Error);
    }
  }

  /**
   * Forgets what others have ended, because this instance was taken for dead. One that has looked
   * before takes no more from here on.
   */
  async forgetTaken(): Promise<void> {
    const { link, keys, instance, lifeMs, host } = this.#deps;
    const own = [keys.fence(instance), keys.taken(instance)];
    const taken = (await link.run(FENCE, own, [String(lifeMs)])) as string[];
    if (taken.length > 0) host()?.forget(new Set(taken.map(Number)));
  }

  /** Answers which instances are missing. */
  async #ask(): Promise<readonly Missing[]> {
    const { members, refusals, clock, join, dropped, startAnew } = this.#deps;
    const { missing, taken, unknown, lapsed } = await members.beat();
    // Redis knows neither our secret nor our numbers.
    if (unknown) {
      await join();
      return [];
    }
    if (await refusals.look()) await dropped();
    if (taken) await this.forgetTaken();
    // What was dated before the clock of Redis was set says the wrong times now.
    if (taken || lapsed || clock.wasSet()) startAnew();
    return missing;
  }
}
