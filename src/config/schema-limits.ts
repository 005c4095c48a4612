// config: the part of the table of keys that bounds what Ackspan takes on.
import { duration, ratio, size, whole } from './kinds.ts';
import { row } from './row.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Each limit has an outcome, a counter and a log line (SPEC D7). */
export const limitRows = [
  row('limits.pending', whole(1, 10_000_000), 'Deliveries in flight; events past it are relayed untracked.', {
    written: 100_000,
  }),
  row('limits.pending_per_user', whole(1, 10_000_000), 'The same, for one user.', {
    written: 5_000,
  }),
  row('limits.connections', whole(1, 1_000_000), 'Open WebSockets; further upgrades are answered 503.', {
    written: 20_000,
  }),
  row(
    'limits.connections_per_user',
    whole(1, 1_000_000),
    'The same, for one user; further upgrades are answered 429.',
    { written: 1_000 },
  ),
  row(
    'limits.message_bytes',
    size(KiB, 1024 * MiB),
    'Longest message that is read for tracking; longer ones are relayed unread.',
    {
      written: '16MiB',
    },
  ),
  row(
    'limits.in_flight_bytes',
    size(MiB, 16 * 1024 * MiB),
    'What is kept of long messages until they are complete, in all: `events.scan_bytes` of each; beyond it they are relayed unread.',
    { written: '64MiB' },
  ),
  row(
    'limits.memory',
    ratio,
    "Share of the container's memory (or the machine's) that the process may have: from 85 % of it LOW and NORMAL events pass untracked, from 95 % new connections are answered 503; 0 = no bound.",
    { written: 0.9 },
  ),
  row(
    'limits.confirmation_bytes',
    size(128, MiB),
    'Longest client message that can be a confirmation; longer ones are forwarded unread.',
    {
      written: '4KiB',
    },
  ),
  row('limits.handshake', duration(100, 600_000), 'How long the upstream may take to answer an upgrade; then 504.', {
    written: '30s',
  }),
  row(
    'limits.patience',
    duration(0, 60_000),
    'How long evidence that is on its way is waited for when a connection ends: a round trip.',
    {
      written: '2s',
    },
  ),
  row(
    'limits.silence',
    duration(0, 86_400_000),
    'A client that sends nothing and leaves a barrier unanswered for so long is cut off; `0ms` = never.',
    {
      written: '60s',
    },
  ),
  row(
    'limits.stall',
    duration(0, 3_600_000),
    'How long the client of a plain request may send nothing of its body (then 408), or take nothing of its answer (then a reset). 0s: for ever.',
    { written: '60s' },
  ),
  row(
    'limits.retained_bytes',
    size(0, 16 * 1024 * MiB),
    'Messages kept for replays, in all; beyond it messages are sent but cannot be replayed.',
    { written: '64MiB' },
  ),
  row(
    'limits.retained_bytes_per_user',
    size(0, 16 * 1024 * MiB),
    'The same for one user, over all of its sessions; without a user each session counts for itself.',
    { written: '8MiB' },
  ),
  row('limits.history', whole(0, 1_000_000), 'Settled deliveries kept for the admin API.', {
    written: 10_000,
  }),
] as const;
