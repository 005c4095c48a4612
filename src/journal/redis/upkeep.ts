// journal: keeps the keys of sessions in which nothing happens from running out.
import type { Keys } from './keys.ts';
import type { SessionLedger } from './ledger.ts';
import type { Link } from './link.ts';
import { DO } from './scripts.ts';

export interface UpkeepDeps {
  readonly link: Link;
  readonly keys: Keys;
  readonly instance: string;
  /** Life of what nobody touches, ms. */
  readonly lifeMs: number;
  ledgers(): Iterable<SessionLedger>;
}

export class Upkeep {
  readonly #deps: UpkeepDeps;
  #nextAt = 0;

  constructor(deps: UpkeepDeps) {
    this.#deps = deps;
  }

  /** What is due by now (monotonic ms). */
  look(now: number): void {
    const { link, keys, instance, lifeMs, ledgers } = this.#deps;
    if (now < this.#nextAt) return;
    this.#nextAt = now + lifeMs / 4;
    const own = [keys.open(instance), keys.held(instance), keys.secrets];
    const all = [...own, ...Array.from(ledgers(), ({ session }) => keys.session(session.key))];
    link.together(() => {
      for (const key of all) link.write(DO, [key], ['PEXPIRE', String(lifeMs)]);
    });
  }
}
