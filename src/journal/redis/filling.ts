// journal: writes all deliveries of the clients without a session that Redis has to know, and removes what is over.
import type { Link } from './link.ts';
import type { Others } from './others.ts';
import { DO } from './scripts.ts';

export interface FillingDeps {
  readonly link: Pick<Link, 'write' | 'read' | 'send'>;
  readonly others: Pick<Others, 'all' | 'text' | 'fills'>;
  /** The hash of those deliveries. */
  readonly key: string;
  refused(error: Error): void;
}

/** Deliveries in one command, and commands before Redis must have read them: some 700 KB. */
const [SLICE, AHEAD] = [200, 8];

/** Sessions follow beat by beat, apart from this. */
export class Filling {
  readonly #deps: FillingDeps;
  #under: Promise<void> | undefined;
  #again = false;

  constructor(deps: FillingDeps) {
    this.#deps = deps;
  }

  /**
   * Writes all of them, at a pace that Redis keeps. Asked for while it does, it begins once more at
   * the end. Rejects where Redis does not answer.
   */
  fill(): Promise<void> {
    this.#again = this.#under !== undefined;
    this.#under ??= this.#all().finally(() => {
      this.#under = undefined;
    });
    return this.#under;
  }

  async #all(): Promise<void> {
    do {
      this.#again = false;
      await this.#once();
    } while (this.#again);
  }

  async #once(): Promise<void> {
    const { link, others, key } = this.#deps;
    // Changes from here on are told as they come: what is written below is as it is by then.
    others.fills(true);
    const begun = others.all();
    await this.#slices('HSET', begun, (delivery) => {
      const text = others.text(delivery);
      return text === undefined ? [] : [String(delivery.seq), text];
    });
    const known = (await link.send('hkeys', [key])) as string[];
    const told = new Set([...begun, ...others.all()].map(({ seq }) => String(seq)));
    // What had got its outcome by then must not be found in flight.
    const over = known.filter((number) => !told.has(number));
    await this.#slices('HDEL', over, (number) => [number]);
    others.fills(false);
  }

  async #slices<T>(command: string, all: readonly T[], argsOf: (one: T) => readonly string[]): Promise<void> {
    const { link, key, refused } = this.#deps;
    for (let i = 0; i < all.length; i += SLICE) {
      if ((i / SLICE) % AHEAD === 0) await link.read();
      const args = all.slice(i, i + SLICE).flatMap(argsOf);
      if (args.length > 0)
        link.write(DO, [key], [command, ...args], (_, error) => {
          if (error !== undefined) refused(error);
        });
    }
    await link.read();
  }
}
