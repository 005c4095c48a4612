// fleets: what happened when, as far as clients, instances, Redis and the trial itself told: the stories of violations.

export interface Note {
  /** Wall clock, ms. */
  readonly at: number;
  /** Who tells it: a client, an instance, Redis, or the trial. */
  readonly who: string;
  readonly text: string;
}

/** Under this name stands what concerns every story. */
export const EVERYBODY = '*';

export class Diary {
  /** By what the notes are about: a user, a session, a delivery. */
  readonly #notes = new Map<string, Note[]>();
  readonly #began = Date.now();

  note(about: string, who: string, text: string, at = Date.now()): void {
    const notes = this.#notes.get(about) ?? [];
    this.#notes.set(about, notes);
    notes.push({ at, who, text });
  }

  /** All that is known of these, and of everybody, between two times. */
  story(about: Iterable<string>, from: number, to: number): string[] {
    const all = [EVERYBODY, ...new Set(about)].flatMap((each) => this.#notes.get(each) ?? []);
    return all
      .filter(({ at }) => at >= from && at <= to)
      .sort((a, b) => a.at - b.at)
      .map(({ at, who, text }) => `${((at - this.#began) / 1000).toFixed(3).padStart(9)}  ${who.padEnd(6)} ${text}`);
  }
}
