// embed: reads an event of the backend once and completely, before anything is stored, or throws a RangeError.
import { PRIORITIES, type Priority } from '../delivery/words.ts';
import type { TrackedEvent } from './event.ts';
import { eventIdIn, idOf } from './event-id.ts';
import { duration, retryCount, type Settings, shown } from './options.ts';

/** An event with all defaults filled in. */
export interface Wanted {
  readonly id: string;
  readonly type: string;
  readonly data: unknown;
  readonly user: string | undefined;
  readonly priority: Priority;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly run: string | undefined;
  readonly tool: string | undefined;
  readonly toolCall: string | undefined;
}

/** Throws a RangeError for an event that makes no sense. `data` may be anything. */
export function wantedOf(event: unknown, settings: Settings): Wanted {
  if (typeof event !== 'object' || event === null)
    throw new RangeError(`an event must be an object, not ${shown(event)}`);
  const { id, type, data, user, priority, timeoutMs, retries, run, tool, toolCall } = copyOf(event);
  if (typeof type !== 'string' || type === '')
    throw new RangeError(`an event needs a type, a text, not ${shown(type)}`);
  return {
    type,
    id: id === undefined ? (eventIdIn(data) ?? globalThis.crypto.randomUUID()) : given(id),
    data,
    user: text('user', user),
    priority: priority === undefined ? 'normal' : known(priority),
    timeoutMs: timeoutMs === undefined ? settings.timeoutMs : duration('timeoutMs', timeoutMs),
    retries: retries === undefined ? settings.retries : retryCount(retries),
    run: text('run', run),
    tool: text('tool', tool),
    toolCall: text('toolCall', toolCall),
  };
}

type Fields = { readonly [Name in keyof TrackedEvent]: unknown };

function copyOf(event: object): Fields {
  try {
    const { id, type, data, user, priority, timeoutMs, retries, run, tool, toolCall } = event as TrackedEvent;
    return { id, type, data, user, priority, timeoutMs, retries, run, tool, toolCall };
  } catch (cause) {
    throw new RangeError('the event cannot be read', { cause });
  }
}

function given(id: unknown): string {
  const found = idOf(id);
  if (found !== undefined) return found;
  throw new RangeError(`id must be a text of 1 to 1024 bytes or a finite number, not ${shown(id)}`);
}

function text(name: string, value: unknown): string | undefined {
  if (value === undefined || typeof value === 'string') return value;
  throw new RangeError(`${name} must be a text, not ${shown(value)}`);
}

function known(priority: unknown): Priority {
  const found = PRIORITIES.find((one) => one === priority);
  if (found !== undefined) return found;
  throw new RangeError(`priority must be one of ${PRIORITIES.join(', ')}, not ${shown(priority)}`);
}
