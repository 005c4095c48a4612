// journal: what instances say to each other, over the connection on which they write: short notices, none of which must arrive.
import type { Keys } from './keys.ts';
import type { Link } from './link.ts';

/** A notice, by kind. */
export interface Notices {
  /** `from` wants a session that the addressee has. */
  readonly release: { readonly session: string; readonly from: string };
  /** The session may be claimed. */
  readonly released: { readonly session: string };
}

type Kind = keyof Notices;
export type Notice = { [K in Kind]: { readonly kind: K } & Notices[K] }[Kind];

export class Wire {
  readonly #link: Link;
  readonly #keys: Keys;
  readonly #listeners = new Map<string, (notice: never) => void>();

  constructor(link: Link, keys: Keys) {
    this.#link = link;
    this.#keys = keys;
  }

  on<K extends Kind>(kind: K, listener: (notice: Notices[K]) => void): void {
    this.#listeners.set(kind, listener as (notice: never) => void);
  }

  /** Answers how many connections got it: 0 = the instance has none. */
  async tell(instance: string, notice: Notice): Promise<number> {
    return Number(await this.#link.send('publish', [this.#keys.channel(instance), JSON.stringify(notice)]));
  }

  /** A notice has come. One that is none of ours is ignored. */
  heard(text: string): void {
    const notice = readNotice(text);
    if (notice !== undefined) this.#listeners.get(notice.kind)?.(notice as never);
  }
}

/** Every text member is there and short; what a listener does with it must not depend on more. */
function readNotice(text: string): Notice | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return undefined;
    const { kind, session, from } = value as Record<string, unknown>;
    if (typeof session !== 'string') return undefined;
    if (kind === 'released') return { kind, session };
    return kind === 'release' && typeof from === 'string' ? { kind, session, from } : undefined;
  } catch {
    // Another program publishes under our name.
    return undefined;
  }
}
