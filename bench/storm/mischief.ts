// Storm: what is done to the sidecar's process: it stands still, it has to share its core, and its wall clock is set.
import { type ChildProcess, spawn } from 'node:child_process';
import { adopt } from '../children.ts';
import { createRandom, now } from '../load/timing.ts';
import type { StormSidecar } from './sidecar.ts';
import type { WallClock } from './wall-clock.ts';

export interface Mischief {
  readonly counts: { standstills: number; starvations: number; clock_steps: number };
  /** What was done and when, for people. */
  readonly notes: readonly { readonly at: number; readonly what: string }[];
  /** Ends all of it; the sidecar runs afterwards. */
  end(): void;
}

const BUSY = 'const until = Date.now() + Number(process.argv[1]); while (Date.now() < until);';
const STANDSTILL_EVERY_MS = 10_000;
const STARVE_EVERY_MS = 23_000;
const STARVE_MS = 1000;
const STEP_EVERY_MS = 12_000;

export function startMischief(sidecar: StormSidecar, clock: WallClock | undefined, seed: number): Mischief {
  const random = createRandom(seed);
  const counts = { standstills: 0, starvations: 0, clock_steps: 0 };
  const notes: { at: number; what: string }[] = [];
  const note = (what: string) => notes.push({ at: now(), what });
  const timers = new Set<NodeJS.Timeout>();
  let over = false;
  const later = (ms: number, action: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      if (!over) action();
    }, ms);
    timers.add(timer);
  };
  const stand = (): void => {
    counts.standstills++;
    note('sidecar stopped');
    sidecar.signal('SIGSTOP');
    later(300 + random() * 3700, () => {
      note('sidecar goes on');
      sidecar.signal('SIGCONT');
      later(STANDSTILL_EVERY_MS * (0.5 + random()), stand);
    });
  };
  const starve = (): void => {
    counts.starvations++;
    note('sidecar is starved');
    const busy: ChildProcess[] = [0, 1].map(() =>
      adopt(spawn(process.execPath, ['-e', BUSY, String(STARVE_MS)], { stdio: 'ignore' })),
    );
    for (const child of busy) child.on('error', () => {});
    later(STARVE_EVERY_MS * (0.5 + random()), starve);
  };
  const step = (): void => {
    if (clock === undefined) return;
    counts.clock_steps++;
    clock.step(random());
    note('wall clock set');
    later(STEP_EVERY_MS * (0.5 + random()), step);
  };
  later(STEP_EVERY_MS * random(), step);
  later(STANDSTILL_EVERY_MS * random(), stand);
  later(STARVE_EVERY_MS * random(), starve);
  return {
    counts,
    notes,
    end() {
      over = true;
      for (const timer of timers) clearTimeout(timer);
      if (sidecar.exited() === undefined) sidecar.signal('SIGCONT');
    },
  };
}
