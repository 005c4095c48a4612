// config: event rules and confirmation matchers, each a table of fields: validation and documentation follow from it.
import * as z from 'zod/mini';
import { SCHEDULES } from '../delivery/policy.ts';
import { LEVELS, PRIORITIES, type Priority } from '../delivery/words.ts';
import type { Kind } from './kinds.ts';
import { duration, flag, list, oneOf, pointer, structure, text } from './kinds.ts';
import { formatDuration } from './units.ts';
import type { ConfirmationMatch, EventRule } from './values.ts';

/** One field of a structured value. Without `preset` it must be written. */
export interface Field<T> {
  readonly kind: Kind<T, string>;
  /** The default, as the file would spell it. */
  readonly preset: string | boolean | undefined;
  readonly doc: string;
}

function field<T>(kind: Kind<T, string>, preset: string | boolean | undefined, doc: string): Field<T> {
  return { kind, preset, doc };
}

const glob = text('a glob over the event type such as tool_* or *');
const minute = 60_000;

/** Instead of a preset: the priority decides (SCHEDULES). */
const BY_PRIORITY = 'by priority';

/**
 * The value for `normal`, then the values of the priorities that differ: `30s, for \`low\` 15s`.
 */
function byPriority(shown: (schedule: (typeof SCHEDULES)[Priority]) => string): string {
  const usual = shown(SCHEDULES.normal);
  const others = PRIORITIES.filter((priority) => shown(SCHEDULES[priority]) !== usual);
  return [usual, ...others.map((priority) => `for \`${priority}\` ${shown(SCHEDULES[priority])}`)].join(', ');
}

/** The fields of one of `events.rules`. */
export const RULE_FIELDS = {
  match: field(
    list(glob, 'a glob such as tool_*, or a list of globs', 1000),
    undefined,
    'Event types, as globs (`*`, `?`).',
  ),
  track: field(flag, true, 'Whether the event is tracked. `false` relays it without tracking.'),
  priority: field(
    oneOf(PRIORITIES),
    'normal',
    'How much the event matters. The priority decides the order of shedding, what is kept for replays, and the objective. It also decides deadline and attempts where the rule does not.',
  ),
  confirm: field(
    oneOf([...LEVELS, 'auto']),
    'auto',
    'The evidence that confirms the event. `received`: a pong proves that the WebSocket stack of the client has it. `processed`: the application confirmed it. `auto`: `processed` for a client that has opted in, `received` for every other client.',
  ),
  timeout: field(
    duration(100, 60 * minute),
    BY_PRIORITY,
    `Time from the send to the outcome \`timeout\`. Default: ${byPriority(({ timeoutMs }) => formatDuration(timeoutMs))}.`,
  ),
  attempts: field(
    list(duration(10, 60 * minute), 'a list of durations such as [1s, 2s, 4s]; [] for none', 20),
    BY_PRIORITY,
    `Gaps between attempts to get a confirmation; each gap varies by 10 %. Default: ${byPriority(({ attemptsMs }) => `[${attemptsMs.map(formatDuration).join(', ')}]`)}.`,
  ),
  resend: field(
    flag,
    false,
    'Whether the event is sent again when it was received but not processed, also to a client that may see it twice. Clients with the SDK drop duplicates and need no rule. A message of several events is not sent again.',
  ),
  keep_lost: field(
    flag,
    false,
    'Whether the message of a lost event is kept with its dead letter (docs/store.md), where it is kept at all: for clients that have opted in, and under a rule with `resend: true`.',
  ),
} as const;

/** The fields of one of `confirmations`. */
export const CONFIRMATION_FIELDS = {
  type: field(
    text('the type of the message, such as event_confirmation'),
    undefined,
    'The value at any of `events.type`.',
  ),
  id: field(pointer, '/event_id', 'Where the id of the confirmed event is.'),
  status: field(pointer, '/status', 'Where `confirmed` or `failed` is. A missing status means confirmed.'),
  error: field(pointer, '/error', 'Where the reason of a failure is.'),
} as const;

type Fields = Readonly<Record<string, Field<unknown>>>;
type Values<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

/** A mapping with exactly these fields. A field that is left out gets its preset. */
function mapping<F extends Fields>(fields: F, allowed: string): z.ZodMiniType<Values<F>> {
  const shape: Record<string, z.ZodMiniType> = {};
  for (const [name, { kind, preset }] of Object.entries(fields)) {
    shape[name] =
      preset === BY_PRIORITY
        ? z.optional(kind.schema)
        : z.pipe(
            z.transform((given: unknown): unknown => given ?? preset),
            kind.schema,
          );
  }
  const strict = z.strictObject(shape, {
    error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : allowed),
  });
  // The shape is built by name, so the compiler cannot see what `Values` says of it.
  return strict as unknown as z.ZodMiniType<Values<F>>;
}

const aRule = '{ match: "tool_*", priority: high }';
const aMatcher = '{ type: event_confirmation, id: /event_id }';

/** `events.rules`: the first whose `match` fits wins. */
export const rules: Kind<readonly EventRule[]> = structure(
  z
    .array(
      z.pipe(
        mapping(RULE_FIELDS, `a rule such as ${aRule}`),
        z.transform(({ timeout, attempts, keep_lost, ...rule }) => ({
          ...rule,
          ...(keep_lost && { keepLost: true }),
          timeoutMs: timeout ?? SCHEDULES[rule.priority].timeoutMs,
          attemptsMs: attempts ?? SCHEDULES[rule.priority].attemptsMs,
        })),
      ),
      { error: `a list of rules such as ${aRule}` },
    )
    .check(z.maxLength(1000, { error: 'at most 1000 rules' })),
  `a list of rules such as ${aRule}`,
  Object.keys(RULE_FIELDS),
);

/** `confirmations`: messages of the client that confirm an event. */
export const confirmations: Kind<readonly ConfirmationMatch[]> = structure(
  z
    .array(mapping(CONFIRMATION_FIELDS, `a matcher such as ${aMatcher}`), {
      error: `a list of matchers such as ${aMatcher}`,
    })
    .check(z.maxLength(100, { error: 'at most 100 matchers' })),
  `a list of matchers such as ${aMatcher}`,
  Object.keys(CONFIRMATION_FIELDS),
);
