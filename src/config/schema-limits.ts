// config: keys that bound what Ackspan takes on.
import { duration, ratio, size, whole } from './kinds.ts';
import { row } from './row.ts';

const KiB = 1024;
const MiB = 1024 * KiB;

/** Each limit has an outcome, a counter and a log line (SPEC D7). */
export const limitRows = [
  row(
    'limits.pending',
    whole(1, 10_000_000),
    'Deliveries in flight, in all. Events beyond the limit are relayed untracked.',
    {
      written: 100_000,
    },
  ),
  row(
    'limits.pending_per_user',
    whole(1, 10_000_000),
    'Deliveries in flight of one user. Events beyond the limit are relayed untracked.',
    {
      written: 5_000,
    },
  ),
  row('limits.connections', whole(1, 1_000_000), 'Open WebSockets, in all. Further upgrades are answered 503.', {
    written: 20_000,
  }),
  row(
    'limits.connections_per_user',
    whole(1, 1_000_000),
    'Open WebSockets of one user. Further upgrades are answered 429.',
    { written: 1_000 },
  ),
  row(
    'limits.message_bytes',
    size(KiB, 1024 * MiB),
    'The longest message that is read for tracking. Longer messages are relayed unread.',
    {
      written: '16MiB',
    },
  ),
  row(
    'limits.in_flight_bytes',
    size(MiB, 16 * 1024 * MiB),
    'Bytes kept of messages that come in parts until they are complete, in all. Messages that find no room are relayed unread.',
    { written: '64MiB' },
  ),
  row(
    'limits.memory',
    ratio,
    "The share of the container's memory (or the machine's) that the process may have. From 85 % of this share LOW and NORMAL events pass untracked. From 95 % new connections are answered 503. 0 = no bound.",
    { written: 0.9 },
  ),
  row(
    'limits.confirmation_bytes',
    size(128, MiB),
    'The longest client message that can be a confirmation. Longer messages are forwarded unread.',
    {
      written: '4KiB',
    },
  ),
  row(
    'limits.handshake',
    duration(100, 600_000),
    'How long the upstream may take to answer an upgrade. Then the client is answered 504.',
    {
      written: '30s',
    },
  ),
  row(
    'limits.patience',
    duration(0, 60_000),
    'How long Ackspan waits for evidence on its way when a connection ends. A round trip is enough.',
    {
      written: '2s',
    },
  ),
  row(
    'limits.silence',
    duration(0, 86_400_000),
    'How long a client may send nothing, and leave a barrier unanswered or take nothing of what waits for it, before it is cut off. After twice that time without a byte either way, TCP keep-alive asks the system whether the client is there, also where no barrier can be written because the backend stands in the middle of a frame. `0ms` = for ever.',
    {
      written: '60s',
    },
  ),
  row(
    'limits.connection_age',
    duration(0, 7 * 86_400_000),
    'How old a connection may grow. It ends at 90 to 100 % of that, by chance: the client is told to come again (1012), and one that has opted in goes on with its session over the same upstream connection; where a message is under way for 10 s more, that client is cut off instead. Set it below the time-out of what stands in front, such as 55m on Cloud Run. 0s = as old as it likes.',
    {
      written: '0s',
    },
  ),
  row(
    'limits.idle',
    duration(0, 7 * 86_400_000),
    'How long a connection may carry no data message, either way, before it is closed with 1001. Pings are no data. 0s = for ever.',
    {
      written: '0s',
    },
  ),
  row(
    'limits.stall',
    duration(0, 3_600_000),
    'How long the client of a plain request may send nothing of its body (then it is answered 408), or take nothing of its answer (then the connection is reset). 0s = for ever.',
    { written: '60s' },
  ),
  row(
    'limits.retained_bytes',
    size(0, 16 * 1024 * MiB),
    'Bytes of messages kept for replays, in all. Messages beyond the limit are sent but cannot be replayed.',
    { written: '64MiB' },
  ),
  row(
    'limits.retained_bytes_per_user',
    size(0, 16 * 1024 * MiB),
    'Bytes of messages kept for replays, for one user over all of its sessions. Without a user each session counts for itself.',
    { written: '8MiB' },
  ),
  row('limits.history', whole(0, 1_000_000), 'Settled deliveries kept for the admin API.', {
    written: 10_000,
  }),
] as const;
