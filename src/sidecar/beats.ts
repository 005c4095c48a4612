// sidecar: what runs on the beat of the process: deliveries, late confirmations, silent clients, memory, standstills.
import { type Ageing, watchAge } from '../connection/ageing.ts';
import type { OverdueWords } from '../connection/overdue-words.ts';
import { type Silent, watchSilence } from '../connection/silence.ts';
import type { Report } from '../delivery/ports.ts';
import type { Tracker } from '../delivery/tracker.ts';
import { startBeat } from '../time/beat.ts';
import { now } from '../time/clock.ts';
import { onBeat, onStandstill } from '../time/pulse.ts';
import type { MemoryGuard } from './memory-guard.ts';
import type { Watch } from './observe.ts';
import { UnreadNotice } from './unread-notice.ts';
import type { Waking } from './waking.ts';

export interface BeatDeps {
  readonly tracker: Tracker;
  readonly overdue: OverdueWords;
  /** Left out where no other instance could have ended anything. */
  readonly waking?: Waking | undefined;
  readonly connections: Iterable<Silent & Ageing>;
  /** Clients cut off because they were silent. */
  readonly silent: { cut: number };
  /** Connections that were ended because they were old, or carried nothing for too long. */
  readonly aged: { age: number; idle: number };
  readonly watch: Pick<Watch, 'stoodStill'>;
  /** Messages without an event, by shape, and what is done with them. */
  readonly unread: {
    readonly counts: Readonly<Record<string, number>>;
    readonly policy: 'track' | 'count';
    readonly relay: { readonly messagesToClient: number };
  };
  readonly limits: { readonly silenceMs: number; readonly connectionAgeMs: number; readonly idleMs: number };
  readonly memory: MemoryGuard;
  readonly report: Report;
}

/** Starts everything that runs on the beat. The result ends it. */
export function startBeats(deps: BeatDeps): () => void {
  const { tracker, overdue, waking, connections, silent, aged, watch, unread, limits, memory, report } = deps;
  const { silenceMs, connectionAgeMs: ageMs, idleMs } = limits;
  const unreadNotice = new UnreadNotice({
    unread: unread.counts,
    messages: () => unread.relay.messagesToClient,
    tracked: unread.policy === 'track',
    say: (text) => report({ stage: 'decode', error: new Error(text) }),
  });
  const stops = [
    onStandstill((from, ms) => {
      tracker.stoodStill(from, from + ms);
      watch.stoodStill(ms);
      report({ stage: 'standstill', error: new Error(`the process did not run for ${Math.round(ms)} ms`) });
    }),
    onStandstill(() => waking?.stoodStill()),
    startBeat(tracker, report),
    onBeat((at) => overdue.look(at)),
    onBeat((at) => unreadNotice.look(at)),
    memory.start(),
    watchSilence({ connections, silenceMs, now, dropped: () => silent.cut++ }),
    watchAge({ connections, ageMs, idleMs, now, random: Math.random, ended: (why) => aged[why]++ }),
  ];
  return () => {
    for (const stop of stops) stop();
    unreadNotice.end();
  };
}
