// config: keys about notices to the backend: which events did not arrive, and which to emit again.
import { duration, flag, list, oneOf, whole } from './kinds.ts';
import { hookSecret, hookUrl } from './kinds-hooks.ts';
import { maybe, row } from './row.ts';

/** Hooks are off without an address. */
export const hookRows = [
  maybe(
    'hooks.url',
    hookUrl,
    'The address that notices are sent to. Without an address there are no notices. Needs `hooks.secrets`.',
  ),
  row(
    'hooks.secrets',
    list(hookSecret, `a list of secrets: ${hookSecret.allowed}`, 10),
    'Secrets that sign notices. Each notice has one signature per secret, so a new secret goes in front and the old one is taken out later.',
    { preset: () => [], secret: true },
  ),
  row(
    'hooks.events',
    list(
      oneOf(['failed', 'timeout', 'unverifiable', 'reemit']),
      'a list of `failed`, `timeout`, `unverifiable`, `reemit`',
      4,
    ),
    'Kinds of notices. `reemit` asks the backend to emit an event again when the client is away or the message was not kept.',
    { written: 'failed, timeout, unverifiable' },
  ),
  row('hooks.payload', flag, 'Whether a notice carries the message itself, where the message is still kept.', {
    written: false,
  }),
  row('hooks.timeout', duration(100, 600_000), "How long the receiver's answer to a notice may take.", {
    written: '10s',
  }),
  row('hooks.tries', whole(1, 100), 'Requests per notice. Then the notice is dropped.', { written: 8 }),
  row(
    'hooks.queue',
    whole(1, 1_000_000),
    'Notices that may wait. Further notices are dropped, first the ones about LOW events.',
    { written: 10_000 },
  ),
  row('hooks.concurrency', whole(1, 100), 'Requests that run at a time.', { written: 4 }),
] as const;
