// sidecar: the limits whose counters are read once a second, and their names in the log (SPEC D7).
import type { Tracker } from '../delivery/tracker.ts';
import type { RelayCounters } from '../relay/tap.ts';
import type { SessionCounters } from '../resume/counters.ts';
import type { LimitCount } from './limit-log.ts';

export interface LimitSources {
  readonly relay: RelayCounters;
  readonly tracker: Tracker;
  readonly sessions: SessionCounters;
  readonly silent: { readonly cut: number };
  /** Number of events that a limit on deliveries in flight let through untracked. */
  shed(): number;
}

/** Reads each limit's own counter. */
export function countLimits({ relay, tracker, sessions, silent, shed }: LimitSources): readonly LimitCount[] {
  return [
    {
      text: 'limits.pending, limits.pending_per_user or limits.memory reached, events relayed untracked',
      read: shed,
    },
    {
      text: 'limits.message_bytes exceeded, messages relayed unread',
      read: () => relay.messageBytesExceeded,
    },
    {
      text: 'limits.in_flight_bytes reached, messages relayed unread',
      read: () => relay.inFlightRefused,
    },
    {
      text: 'limits.retained_bytes(_per_user), sessions.retained_bytes or limits.in_flight_bytes reached, messages not kept for replays',
      read: () => {
        const { several_events: shape, ...limits } = tracker.retention.refused;
        return Object.values(limits).reduce((sum, each) => sum + each, 0);
      },
    },
    {
      text: 'resend: true has no effect on messages of several events, messages not kept',
      read: () => tracker.retention.refused.several_events,
    },
    {
      text: 'limits.connections reached by sessions, those of the same user that had waited longest ended',
      read: () => sessions.ended.evicted,
    },
    {
      text: 'limits.connections reached by sessions, new ones end with their connection',
      read: () => sessions.refused,
    },
    {
      text: 'limits.silence reached, clients cut off that sent nothing and answered no barrier',
      read: () => silent.cut,
    },
  ];
}
