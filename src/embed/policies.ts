// embed: event types with their policies for the core: interned, so that a busy backend makes a handful of them.
import type { EventType } from '../delivery/policy.ts';
import type { Priority } from '../delivery/words.ts';

/** Types beyond this number share the metric label `other`. */
const LABELS_LIMIT = 200;
/**
 * Number of combinations of type and policy that are interned. Beyond it each event brings its own.
 */
const KNOWN_LIMIT = 2048;

/** Finds the type of an event, with everything that depends on it. */
export type EventTypes = (name: string, priority: Priority, timeoutMs: number, retries: number) => EventType;

/** `firstRetryMs`: the first gap. Each further gap is twice as long. */
export function createEventTypes(firstRetryMs: number): EventTypes {
  const labels = new Map<string, number>();
  const known = new Map<string, EventType>();
  const schedules: (readonly number[])[] = [];

  const schedule = (retries: number): readonly number[] => {
    schedules[retries] ??= Array.from({ length: retries }, (_, i) => firstRetryMs * 2 ** i);
    return schedules[retries];
  };

  function create(name: string, priority: Priority, timeoutMs: number, retries: number): EventType {
    let index = labels.get(name);
    if (index === undefined && labels.size < LABELS_LIMIT) {
      // Index 0 is `other`.
      index = labels.size + 1;
      labels.set(name, index);
    }
    const policy = { priority, confirm: 'processed', timeoutMs, attemptsMs: schedule(retries) } as const;
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
