// config: the part of the table of keys that is about notices to the backend: what did not arrive, and what to emit again.
import { duration, flag, list, oneOf, whole } from './kinds.ts';
import { hookSecret, hookUrl } from './kinds-hooks.ts';
import { maybe, row } from './row.ts';

/** Hooks are off without an address. */
export const hookRows = [
  maybe('hooks.url', hookUrl, 'Where notices are sent. None: no hooks. Needs `hooks.secrets`.'),
  row(
    'hooks.secrets',
    list(hookSecret, `a list of secrets: ${hookSecret.allowed}`, 10),
    'Secrets that sign notices. Each notice has a signature of each, so a new secret goes in front and the old one is taken out later.',
    { preset: () => [], secret: true },
  ),
  row(
    'hooks.events',
    list(
      oneOf(['failed', 'timeout', 'unverifiable', 'reemit']),
      'a list of `failed`, `timeout`, `unverifiable`, `reemit`',
      4,
    ),
    'What is told. `reemit` asks the backend to emit an event again, where its client is away or its message was not kept.',
    { written: 'failed, timeout, unverifiable' },
  ),
  row('hooks.payload', flag, 'Send the message itself along, where it is still kept.', {
    written: false,
  }),
  row('hooks.timeout', duration(100, 600_000), 'How long an answer may take.', { written: '10s' }),
  row('hooks.tries', whole(1, 100), 'Requests per notice; then it is dropped.', { written: 8 }),
  row(
    'hooks.queue',
    whole(1, 1_000_000),
    'Notices that may wait; further ones are dropped, those about LOW events first.',
    { written: 10_000 },
  ),
  row('hooks.concurrency', whole(1, 100), 'Requests at a time.', { written: 4 }),
] as const;
