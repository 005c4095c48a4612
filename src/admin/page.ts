// admin: cuts "newest first" lists into stable pages, bounded by a number that a record keeps for life.
import type { Query } from './query.ts';

/** A record with a number that orders it by time: newer = higher. */
interface Numbered {
  readonly seq: number;
}

/** Most records on one page. */
export const PAGE_LIMIT = 500;

/** The page that is asked for. */
export interface PageRequest {
  readonly limit: number;
  /** Only records numbered below this; Infinity on the first page. */
  readonly below: number;
  /** The cursor for the records after the one with this number. */
  cursorAfter(seq: number): string;
}

/** A page and, where more follows, the cursor that asks for it. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/**
 * Reads `limit` (1–`most`, default 50) and `cursor`. `startedAt` ties cursors to this run of the
 * process, whose numbers start at 1.
 */
export function readPage(query: Query, startedAt: number, most = PAGE_LIMIT): PageRequest {
  const limit = query.whole('limit', 1, most, 50);
  const cursor = query.text('cursor');
  const cursorAfter = (seq: number): string => `${runName(startedAt)}.${seq.toString(36)}`;
  if (cursor === undefined) return { limit, below: Number.POSITIVE_INFINITY, cursorAfter };
  const [, run, seq] = /^([0-9a-z]{1,11})\.([0-9a-z]{1,11})$/.exec(cursor) ?? [];
  if (run === undefined || seq === undefined)
    query.refuse('cursor', 'not a cursor', ['next_cursor of the previous page']);
  else if (run !== runName(startedAt))
    query.refuse('cursor', 'from before the last restart', ['start again without a cursor']);
  return { limit, below: Number.parseInt(seq ?? '', 36), cursorAfter };
}

/**
 * Picks the newest matching records below the bound, in any order of arrival; keeps at most twice
 * the page in hand.
 */
export function createPicker<T extends Numbered>({ limit, below, cursorAfter }: PageRequest) {
  // One record more than asked for tells whether another page follows.
  const wanted = limit + 1;
  let kept: T[] = [];
  let floor = Number.NEGATIVE_INFINITY;
  const prune = (): void => {
    kept.sort((a, b) => b.seq - a.seq);
    if (kept.length < wanted) return;
    kept = kept.slice(0, wanted);
    floor = (kept[wanted - 1] as T).seq;
  };
  return {
    /** Whether a record with this number can still be on the page. Ask before the dearer checks. */
    wants(seq: number): boolean {
      return seq < below && seq > floor;
    },
    take(item: T): void {
      kept.push(item);
      if (kept.length >= 2 * wanted) prune();
    },
    page(): Page<T> {
      prune();
      const items = kept.slice(0, limit);
      const last = items.at(-1);
      const more = kept.length > limit && last !== undefined;
      return { items, nextCursor: more ? cursorAfter(last.seq) : null };
    },
  };
}

/** Names this run of the process in cursors and event ids. */
export function runName(startedAt: number): string {
  return Math.floor(startedAt).toString(36);
}
