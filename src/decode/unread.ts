// decode: messages without an event, by what they look like: each shape is an event type, provable at `received`.
import { type EventType, type Policy, SCHEDULES } from '../delivery/policy.ts';
import type { Unreadable } from './json.ts';
import type { Rule } from './rules.ts';
import type { TypeTable } from './type-table.ts';

/**
 * The shape of a message without an event: the name of its event type. `json` is an object without
 * a type.
 */
const SHAPES = ['text', 'binary', 'json', 'array'] as const;
export type Shape = (typeof SHAPES)[number];

/**
 * The policy where no rule names the shape. `auto` is `received` for a client that has not opted
 * in, `processed` for one that has.
 */
const DEFAULT_POLICY: Policy = { priority: 'low', confirm: 'auto', ...SCHEDULES.low };

/**
 * The shape of a text message in which no event was found for that reason; `first` is its first
 * visible byte; `many`: too many objects.
 */
export function shapeOf(reason: 'no_type' | Unreadable, first: number, many: boolean): Shape {
  if (reason === 'no_type') return 'json';
  return many || (reason === 'not_object' && first === 0x5b) ? 'array' : 'text';
}

/** Knows the event type of each shape. */
export interface UnreadTypes {
  /** Messages so far, by shape; what a rule leaves out is not in it. */
  readonly counts: Readonly<Record<Shape, number>>;
  /** Counts a message and returns its type; undefined = it is not to be tracked. */
  take(shape: Shape): EventType | undefined;
  /** Whether any shape is tracked. */
  readonly tracked: boolean;
  /** Whether a rule leaves the shape out. */
  leftOut(shape: Shape): boolean;
  /** Other rules hold from now on. */
  reload(rules: readonly Rule[]): void;
}

/**
 * Resolves the shapes' types. A rule means a shape only if it spells the name out, because a glob
 * such as `text*` speaks of events. The exception is `*` with `track: false`: only what the rules
 * before it name is wanted. `tracked` = false: messages without an event are counted and not
 * tracked.
 */
export function createUnreadTypes(first: readonly Rule[], table: TypeTable, tracked: boolean): UnreadTypes {
  let rules = first;
  const counts = { text: 0, binary: 0, json: 0, array: 0 };
  const ruleOf = (shape: Shape) =>
    rules.find(({ match, track }) => match.includes(shape) || (!track && match.includes('*')));
  const leftOut = () => new Set(SHAPES.filter((shape) => ruleOf(shape)?.track === false));
  let left = leftOut();
  let types: Partial<Record<Shape, EventType>> = {};

  function create(shape: Shape): EventType {
    const rule = ruleOf(shape);
    if (rule === undefined) return table.reserve(shape, DEFAULT_POLICY);
    // No client can name such a message, so only clients that confirm by position confirm it. It
    // has no duplicates to drop.
    const confirm = rule.confirm === 'received' ? 'received' : 'auto';
    const { priority, timeoutMs, attemptsMs } = rule;
    return table.reserve(shape, { priority, confirm, timeoutMs, attemptsMs });
  }

  return {
    counts,
    get tracked() {
      return tracked && left.size < SHAPES.length;
    },
    leftOut: (shape) => left.has(shape),
    reload(next) {
      rules = next;
      left = leftOut();
      types = {};
    },
    take(shape) {
      if (left.has(shape)) return undefined;
      counts[shape]++;
      if (!tracked) return undefined;
      types[shape] ??= create(shape);
      return types[shape];
    },
  };
}
