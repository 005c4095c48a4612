// config: the keys of what outlives the process.
import { duration, pemFile, scalar, size } from './kinds.ts';
import { storeAddress } from './kinds-store.ts';
import { maybe, row } from './row.ts';

export const storeRows = [
  row(
    'store.at',
    storeAddress,
    'Where sessions and messages in flight outlive the process (docs/store.md). `store: file:/var/lib/ackspan` says the same as `store.at`. A password in the address of Redis is percent-encoded, and better comes from a variable.',
    { written: 'memory', short: 'store', alsoEnv: 'ACKSPAN_STORE', flag: 'store' },
  ),
  row(
    'store.after',
    duration(0, 3_600_000),
    'A delivery of a client that has not opted in is written down when it has been in flight for so long: nearly all have their outcome by then. Clients that have opted in do not wait for this.',
    { written: '100ms' },
  ),
  row(
    'store.sync',
    duration(0, 3_600_000),
    'How often what was written is forced onto the disk itself, in the background. It decides what a loss of power costs, never what the death of the process costs, which is nothing. 0s leaves it to the system.',
    { written: '1s' },
  ),
  row(
    'store.keep',
    duration(0, 365 * 24 * 3_600_000),
    'How long dead letters (deliveries that failed or timed out) are kept in the store: a week. 0s keeps none.',
    { written: '168h' },
  ),
  row(
    'store.keep_bytes',
    size(1024 * 1024, 1024 ** 4),
    'Most bytes of dead letters on the disk, or in Redis for all instances together. Beyond it the oldest go first.',
    { written: '256MiB' },
  ),
  row(
    'store.lease',
    duration(500, 600_000),
    'With Redis: an instance that has not been there for so long is taken for dead. The others go on with its sessions, and its other deliveries end as lost.',
    { written: '10s' },
  ),
  row(
    'store.prefix',
    scalar('up to 64 letters, digits and - . _ :', (given) =>
      typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : undefined,
    ),
    'With Redis: what all names there begin with. Instances with one prefix share their sessions; deployments that must not need different ones.',
    { written: 'ackspan' },
  ),
  maybe(
    'store.ca',
    pemFile,
    "With rediss://: authorities to trust, instead of Node's. Read again when the file changes.",
  ),
] as const;
