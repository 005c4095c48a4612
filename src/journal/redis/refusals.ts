// journal: how often Redis has refused commands without running them: nobody is told of it where it answers nothing.
import type { Link } from './link.ts';

/** Answers to commands that were not run, whatever they are: no script was there to publish it. */
const KINDS = ['BUSY', 'LOADING', 'MASTERDOWN'];

export class Refusals {
  readonly #link: Pick<Link, 'send'>;
  #known: string | undefined;

  constructor(link: Pick<Link, 'send'>) {
    this.#link = link;
  }

  /**
   * Whether there were such answers since the latest look, to whomever; undefined = Redis does not
   * say that (before 6.2), or not to us. Rejects where it cannot be asked.
   */
  async look(): Promise<boolean | undefined> {
    const text = String(await this.#link.send('info', ['errorstats']).catch(nothing));
    if (!text.includes('# Errorstats')) return undefined;
    const counts = KINDS.map((kind) => new RegExp(`^errorstat_${kind}:count=(\\d+)`, 'm').exec(text)?.[1] ?? '0');
    const before = this.#known;
    this.#known = counts.join(' ');
    return before !== undefined && before !== this.#known;
  }
}

/** A user of Redis who may not ask. */
function nothing(error: Error): string {
  if (error.message.startsWith('NOPERM')) return '';
  throw error;
}
