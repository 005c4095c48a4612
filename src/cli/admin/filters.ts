// cli: the filters of deliveries as options; the sidecar judges the values, so that both ends cannot disagree.
import type { Command } from 'commander';
import type { DeliveryFilter } from '../../admin-client/filter.ts';
import { ERROR_TYPES, LEVELS, PRIORITIES, STATUSES, UNVERIFIABLE_REASONS } from '../../delivery/words.ts';
import type { Given } from './command.ts';

interface FilterOption {
  readonly name: keyof DeliveryFilter;
  readonly flag: string;
  readonly value: string;
  readonly doc: string;
  /** The values that the shell offers. */
  readonly words?: readonly string[];
}

const REASONS = [...new Set<string>([...ERROR_TYPES.filter((each) => each !== ''), ...UNVERIFIABLE_REASONS])];

const OPTIONS: readonly FilterOption[] = [
  { name: 'user', flag: 'user', value: 'user', doc: 'only this user (proven, not claimed)' },
  { name: 'type', flag: 'type', value: 'types', doc: 'only these event types, separated by commas' },
  { name: 'status', flag: 'status', value: 'words', doc: `only ${STATUSES.join(', ')}`, words: STATUSES },
  { name: 'priority', flag: 'priority', value: 'words', doc: `only ${PRIORITIES.join(', ')}`, words: PRIORITIES },
  {
    name: 'level',
    flag: 'level',
    value: 'words',
    doc: `only with this evidence: none, ${LEVELS.join(', ')}`,
    words: ['none', ...LEVELS],
  },
  { name: 'reason', flag: 'reason', value: 'words', doc: `only what ended so: ${REASONS.join(', ')}`, words: REASONS },
  { name: 'session', flag: 'session', value: 'id', doc: 'only this session' },
  { name: 'connection', flag: 'connection', value: 'id', doc: 'only what was sent over this connection' },
  {
    name: 'q',
    flag: 'id',
    value: 'text',
    doc: 'only where the id of delivery, event, run or tool call holds this text',
  },
];
const TIMES: readonly FilterOption[] = [
  {
    name: 'since',
    flag: 'since',
    value: 'time',
    doc: 'only sent since: 10m, 2h, or a time such as 2026-01-31T12:00:00Z',
  },
  { name: 'until', flag: 'until', value: 'time', doc: 'only sent before' },
];

/** The values of options by flag, for the shell's completion. */
export const FILTER_WORDS: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  OPTIONS.flatMap(({ flag, words }) => (words === undefined ? [] : [[flag, words]])),
);

/** Adds the filters to `command`; with `times` also `--since` and `--until`. */
export function addFilters(command: Command, times: boolean): void {
  for (const { flag, value, doc } of times ? [...OPTIONS, ...TIMES] : OPTIONS)
    command.option(`--${flag} <${value}>`, doc);
}

/** The filter that the user gave. */
export function filterOf(given: Given): DeliveryFilter {
  const filter: Partial<Record<keyof DeliveryFilter, string>> = {};
  for (const { name, flag } of [...OPTIONS, ...TIMES]) {
    const value = given[flag];
    if (typeof value === 'string') filter[name] = value;
  }
  return filter;
}
