// journal: notices from instance to instance; none must arrive.
import type { Keys } from './keys.ts';
import type { Link } from './link.ts';

/** The members of each kind of notice. `ask` numbers a question of its sender. */
const SHAPES = {
  /**
   * `from` wants a session that the addressee has. `used`: it was taken from `from`, where a client
   * that has used that token has stayed. `at`: when it asks, by the clock of Redis, ms. Earlier
   * versions do not say these.
   */
  release: { session: 'string', from: 'string', used: 'number?', at: 'number?' },
  /** The session may be claimed. */
  released: { session: 'string' },
  /** The session stays: a client with a better claim than the one that has stayed has come. */
  kept: { session: 'string' },
  /** There is a secret that not every instance may know. */
  secret: {},
  /** How many sessions of the user were sent that event? */
  seek: { ask: 'number', from: 'string', user: 'string', event: 'string' },
  /** So many; -1 = that cannot be said. */
  found: { ask: 'number', from: 'string', count: 'number' },
  /**
   * The application has confirmed or rejected the event; it came at `at`, by the clock of Redis,
   * give or take `margin`, ms.
   */
  confirm: {
    ask: 'number',
    from: 'string',
    user: 'string',
    event: 'string',
    rejected: 'boolean',
    error: 'string',
    at: 'number',
    margin: 'number',
  },
  /** Whether that had an effect. */
  confirmed: { ask: 'number', effect: 'boolean' },
  /** A reader of the admin API wants to know something of every instance. */
  read: { ask: 'number', from: 'string', target: 'string' },
  /** The answer, as JSON; '' = there is none. */
  reading: { ask: 'number', from: 'string', body: 'string' },
} as const;

interface Members {
  readonly string: string;
  readonly number: number;
  readonly boolean: boolean;
  readonly 'number?': number | undefined;
}

type Shapes = typeof SHAPES;
export type Kind = keyof Shapes;
export type Notices = {
  readonly [K in Kind]: { readonly [M in keyof Shapes[K]]: Members[Shapes[K][M] & keyof Members] };
};
export type Notice = { [K in Kind]: { readonly kind: K } & Notices[K] }[Kind];

export class Wire {
  readonly #link: Link;
  readonly #keys: Keys;
  readonly #listeners = new Map<Kind, (notice: never) => void>();

  constructor(link: Link, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  on<K extends Kind>(kind: K, listener: (notice: Notices[K]) => void): void {
    this.#listeners.set(kind, listener as (notice: never) => void);
  }

  /** Answers how many connections got it: 0 = the instance has none. */
  tell(instance: string, notice: Notice): Promise<number> {
    return this.#publish(this.#keys.channel(instance), notice);
  }

  /**
   * Tells an instance behind everything that this one has written, and lets nobody know whether it
   * was heard.
   */
  say(instance: string, notice: Notice): void {
    this.#link.publish(this.#keys.channel(instance), JSON.stringify(notice));
  }

  /** Tells every instance, this one too. Answers how many got it. */
  tellAll(notice: Notice): Promise<number> {
    return this.#publish(this.#keys.everyone, notice);
  }

  /** A notice has come. One that is none of ours is ignored. */
  heard(text: string): void {
    const notice = readNotice(text);
    if (notice !== undefined) this.#listeners.get(notice.kind)?.(notice as never);
  }

  async #publish(channel: string, notice: Notice): Promise<number> {
    return Number(await this.#link.send('publish', [channel, JSON.stringify(notice)]));
  }
}

/** Every member is there with its kind of value: another program may publish under our name. */
function readNotice(text: string): Notice | undefined {
  try {
    const value = JSON.parse(text) as Record<string, unknown> | null;
    const shape = Object.hasOwn(SHAPES, String(value?.kind)) ? SHAPES[value!.kind as Kind] : undefined;
    if (shape === undefined) return undefined;
    const fits = Object.entries<string>(shape).every(([name, kind]) => isA(kind, value![name]));
    return fits ? (value as unknown as Notice) : undefined;
  } catch {
    // No JSON, so it is none of ours.
    return undefined;
  }
}

function isA(kind: string, value: unknown): boolean {
  return kind.endsWith('?') ? value === undefined || `${typeof value}?` === kind : typeof value === kind;
}
