// kills: what Redis was told, heard as it happens: which deliveries began, and how often each was given up as settled.
import type { Redis } from 'ioredis';

/** The parts of ioredis' monitor that are used. */
interface Monitor {
  on(event: 'monitor', listener: (time: string, args: readonly string[], source: string) => void): unknown;
  on(event: 'error', listener: () => void): unknown;
  disconnect(): void;
}

export class RedisRecord {
  readonly #monitor: Monitor;
  /** Numbers of deliveries that were written down, and how many records of an end each has. */
  readonly #ends = new Map<string, number>();
  /** The keys that hold those without an end. */
  readonly #keys = new Map<string, string>();

  private constructor(monitor: Monitor) {
    this.#monitor = monitor;
    monitor.on('monitor', (_, args) => this.#heard(args));
    // Redis ends with the test.
    monitor.on('error', () => {});
  }

  static async listen(client: Redis): Promise<RedisRecord> {
    return new RedisRecord((await client.monitor()) as unknown as Monitor);
  }

  get tracked(): number {
    return this.#ends.size;
  }

  /** Deliveries without an end, and with more than one. */
  sum(): { readonly without: readonly string[]; readonly several: readonly string[] } {
    const all = [...this.#ends];
    return {
      without: all.filter(([, ends]) => ends === 0).map(([seq]) => `${seq} in ${this.#keys.get(seq)}`),
      several: all.filter(([, ends]) => ends > 1).map(([seq]) => seq),
    };
  }

  end(): void {
    this.#monitor.disconnect();
  }

  #heard([command = '', key = '', ...rest]: readonly string[]): void {
    const session = key.includes(':session:');
    if (!session && !key.endsWith(':open')) return;
    const name = command.toLowerCase();
    const numbers = (name === 'hset' ? rest.filter((_, i) => i % 2 === 0) : rest)
      .filter((field) => (session ? /^d\d+$/ : /^\d+$/).test(field))
      .map((field) => field.replace('d', ''));
    for (const seq of numbers) {
      if (name === 'hset') {
        this.#ends.set(seq, this.#ends.get(seq) ?? 0);
        this.#keys.set(seq, key);
      } else if (name === 'hdel') this.#ends.set(seq, (this.#ends.get(seq) ?? 0) + 1);
    }
  }
}
