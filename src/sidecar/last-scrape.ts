// sidecar: the scrapers of the metrics and their next scrapes: a stop ends after the scrape that sees its losses.

/** A scraper comes again after the same time; a human, or one that came once, is none. */
interface Scraper {
  /** When it asked last, monotonic ms. */
  last: number;
  /** Between its last two scrapes, ms; 0 = it came once. */
  gap: number;
  /** When its last complete answer was asked for; -Infinity = it never got one. */
  answered: number;
}

export interface Scrapes {
  /**
   * Notes a scrape; the result is called when its answer is out. `from` tells one scraper from
   * another.
   */
  asked(from: string): () => void;
  /**
   * The last scrapes up to `end` (monotonic ms) by those who come regularly; undefined where none
   * will come.
   */
  last(end: number): LastScrapes | undefined;
}

/** What a stop may wait for. */
export interface LastScrapes {
  /** When the first of them is due: what is counted by then will be seen. */
  readonly due: number;
  /**
   * Whether each of these scrapers has been answered a question that it asked at `since` or later.
   */
  seen(since: number): boolean;
}

/** Scrapers that are remembered; further ones push out the one that was away longest. */
const SCRAPERS = 16;
/** Shorter and longer gaps are no scrape interval that a stop would wait for, ms. */
const [SHORTEST_GAP_MS, LONGEST_GAP_MS] = [900, 120_000];
/** A scraper that missed this many of its turns has gone. */
const MISSED = 2.5;

/** Remembers the scrapers; `now` is monotonic ms. */
export function createScrapes(now: () => number): Scrapes {
  const scrapers = new Map<string, Scraper>();

  /** Each regular scraper that is due before `end`, with its last turn before that. */
  function* turns(end: number): Generator<readonly [Scraper, number]> {
    for (const scraper of scrapers.values()) {
      const { last, gap } = scraper;
      if (gap < SHORTEST_GAP_MS || gap > LONGEST_GAP_MS || now() - last > MISSED * gap) continue;
      const turn = last + Math.floor((end - last) / gap) * gap;
      if (turn > now()) yield [scraper, turn];
    }
  }

  return {
    asked(from) {
      const at = now();
      const known = scrapers.get(from);
      const scraper: Scraper = known ?? { last: at, gap: 0, answered: Number.NEGATIVE_INFINITY };
      if (known !== undefined) scraper.gap = at - known.last;
      scraper.last = at;
      // The order of the map is that of the last visits.
      scrapers.delete(from);
      scrapers.set(from, scraper);
      if (scrapers.size > SCRAPERS) scrapers.delete(scrapers.keys().next().value!);
      return () => {
        scraper.answered = Math.max(scraper.answered, at);
      };
    },
    last(end) {
      const expected = [...turns(end)];
      if (expected.length === 0) return undefined;
      return {
        due: Math.min(...expected.map(([, turn]) => turn)),
        seen: (since) => expected.every(([{ answered }]) => answered >= since),
      };
    },
  };
}
