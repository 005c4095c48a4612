// page: the rows of a live table: the list that was read, the steps since, and what waits while it is held. Pure.
import type { DeliveryJson, StreamJson } from '../admin/shapes.ts';

/** Most rows of a live table. Older rows are a page away. */
const LIVE_ROWS = 200;

export interface Tail {
  /** Deliveries that are shown, newest first. */
  readonly rows: readonly DeliveryJson[];
  /** New deliveries that are not shown yet, newest first. */
  readonly waiting: readonly DeliveryJson[];
  /**
   * Steps that the server did not send, because there were too many; null = their number is not
   * known.
   */
  readonly missed: number | null;
}

export const EMPTY_TAIL: Tail = { rows: [], waiting: [], missed: 0 };

/** Number of a delivery, the last part of its id: newer = higher. */
function seqOf({ id }: Pick<DeliveryJson, 'id'>): number {
  return Number.parseInt(id.slice(id.lastIndexOf('-') + 1), 36);
}

/** The filters whose answer can change while a delivery goes on. */
export interface Changing {
  readonly status?: string | undefined;
  readonly level?: string | undefined;
  readonly reason?: string | undefined;
}

/** Whether the delivery matches the filters as it is now. */
function wanted(delivery: DeliveryJson, { status, level, reason }: Changing): boolean {
  const one = (list: string | undefined, word: string): boolean =>
    list === undefined || list === '' || list.split(',').includes(word);
  return (
    one(status, delivery.status) &&
    one(level, delivery.level ?? 'none') &&
    one(reason, delivery.error_type ?? delivery.unverifiable_reason ?? '-')
  );
}

/** Takes steps in, oldest first. While `held`, new deliveries wait, and shown ones are updated. */
export function take(tail: Tail, steps: readonly StreamJson['step'][], asked: Changing, held: boolean): Tail {
  const latest = new Map<string, DeliveryJson>();
  for (const { delivery } of steps) latest.set(delivery.id, delivery);
  const update = (rows: readonly DeliveryJson[]): DeliveryJson[] =>
    rows.flatMap((row) => {
      const now = latest.get(row.id);
      if (now === undefined) return [row];
      latest.delete(row.id);
      // A row stays where a reader is looking at it.
      return held || wanted(now, asked) ? [now] : [];
    });
  const rows = update(tail.rows);
  const waiting = update(tail.waiting);
  const fresh = [...latest.values()].filter((each) => wanted(each, asked));
  if (held) return { ...tail, rows, waiting: sorted([...fresh, ...waiting]).slice(0, LIVE_ROWS) };
  return { ...tail, rows: sorted([...fresh, ...waiting, ...rows]).slice(0, LIVE_ROWS), waiting: [] };
}

/** Shows the deliveries that have waited. */
export function release(tail: Tail): Tail {
  return { rows: sorted([...tail.waiting, ...tail.rows]).slice(0, LIVE_ROWS), waiting: [], missed: 0 };
}

function sorted(rows: readonly DeliveryJson[]): DeliveryJson[] {
  return [...rows].sort((a, b) => seqOf(b) - seqOf(a));
}
