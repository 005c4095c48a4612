// journal: the secrets behind resume tokens: all instances sign with one, and know those that others have signed with.
import { randomBytes } from 'node:crypto';
import type { Keys } from './keys.ts';
import type { Link } from './link.ts';
import type { Wire } from './wire.ts';

export interface SecretsDeps {
  readonly link: Pick<Link, 'send'>;
  readonly wire: Pick<Wire, 'on' | 'tellAll'>;
  readonly keys: Pick<Keys, 'secret' | 'secrets'>;
  /** Life of what nobody touches, ms. */
  readonly lifeMs: number;
}

export class Secrets {
  /** The first one signs. Grows when Redis names another one. */
  readonly all: string[] = [randomBytes(32).toString('base64url')];
  readonly #deps: SecretsDeps;
  #signs = false;

  constructor(deps: SecretsDeps) {
    this.#deps = deps;
    // Where Redis cannot be asked, it is asked when it can again.
    deps.wire.on('secret', () => void this.#learn().catch(() => {}));
  }

  /** From here on tokens are signed. */
  sign(): void {
    this.#signs = true;
  }

  /**
   * Goes on with the secret of the first instance that came, and leaves behind those that this one
   * has signed with: a Redis that was emptied in between names another one.
   */
  async agree(): Promise<void> {
    const { link, wire, keys, lifeMs } = this.#deps;
    const { all } = this;
    const [own] = all;
    await link.send('set', [keys.secret, own!, 'NX']);
    const agreed = (await link.send('get', [keys.secret])) as string;
    if (agreed !== own && !this.#signs) all.length = 0;
    const at = all.indexOf(agreed);
    if (at >= 0) all.splice(at, 1);
    all.unshift(agreed);
    const news = (await link.send('sadd', [keys.secrets, ...all])) as number;
    await link.send('pexpire', [keys.secrets, String(lifeMs)]);
    await this.#learn();
    if (news > 0) await wire.tellAll({ kind: 'secret' });
  }

  /** Learns those of others, which verify only. */
  async #learn(): Promise<void> {
    const { link, keys } = this.#deps;
    const known = (await link.send('smembers', [keys.secrets])) as string[];
    this.all.push(...known.filter((secret) => !this.all.includes(secret)));
  }
}
