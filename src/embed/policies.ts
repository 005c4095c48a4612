// embed: event types with their policies for the core: interned, so that a busy backend makes a handful of them.
import { lastAttemptMs } from '../delivery/attempts.ts';
import type { EventType } from '../delivery/policy.ts';
import type { Report } from '../delivery/ports.ts';
import type { Priority } from '../delivery/words.ts';

/** Types beyond this number share the metric label `other`. */
const LABELS_LIMIT = 200;
/**
 * Number of combinations of type and policy that are interned. Beyond it each event brings its own.
 */
const KNOWN_LIMIT = 2048;

/** Finds the type of an event, with everything that depends on it. */
export type EventTypes = (name: string, priority: Priority, timeoutMs: number, retries: number) => EventType;

/**
 * `firstRetryMs`: the first gap. Each further gap is twice as long. Retries that find no time
 * before the deadline are left out, which is reported once for each combination.
 */
export function createEventTypes(firstRetryMs: number, report: Report): EventTypes {
  const labels = new Map<string, number>();
  const known = new Map<string, EventType>();
  const schedules = new Map<string, readonly number[]>();

  /** Made once for each combination that is in use; `known` bounds their number. */
  function schedule(timeoutMs: number, retries: number): readonly number[] {
    const key = `${timeoutMs} ${retries}`;
    const found = schedules.get(key);
    if (found !== undefined) return found;
    const gaps = Array.from({ length: retries }, (_, i) => firstRetryMs * 2 ** i);
    while (gaps.length > 0 && lastAttemptMs(gaps) >= timeoutMs) gaps.pop();
    if (schedules.size >= KNOWN_LIMIT) return gaps;
    schedules.set(key, gaps);
    if (gaps.length < retries) {
      const text = `only ${gaps.length} of ${retries} retries fit into a timeoutMs of ${timeoutMs}: the first comes after ${firstRetryMs} ms, and each further gap is twice as long`;
      report({ stage: 'track', error: new Error(text) });
    }
    return gaps;
  }

  function create(name: string, priority: Priority, timeoutMs: number, retries: number): EventType {
    let index = labels.get(name);
    if (index === undefined && labels.size < LABELS_LIMIT) {
      // Index 0 is `other`.
      index = labels.size + 1;
      labels.set(name, index);
    }
    const policy = { priority, confirm: 'processed', timeoutMs, attemptsMs: schedule(timeoutMs, retries) } as const;
    return { name, index: index ?? 0, label: index === undefined ? 'other' : name, policy };
  }

  return (name, priority, timeoutMs, retries) => {
    const key = `${priority} ${timeoutMs} ${retries} ${name}`;
    const found = known.get(key);
    if (found !== undefined) return found;
    const type = create(name, priority, timeoutMs, retries);
    if (known.size < KNOWN_LIMIT) known.set(key, type);
    return type;
  };
}
