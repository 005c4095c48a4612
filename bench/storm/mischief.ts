// Storm: what is done to the sidecar's process: it stands still, and it has to share its core.
import { type ChildProcess, spawn } from 'node:child_process';
import { adopt } from '../children.ts';
import { createRandom } from '../load/timing.ts';
import type { StormSidecar } from './sidecar.ts';

export interface Mischief {
  readonly counts: { standstills: number; starvations: number };
  /** Ends all of it; the sidecar runs afterwards. */
  end(): void;
}

const BUSY = 'const until = Date.now() + Number(process.argv[1]); while (Date.now() < until);';
const STANDSTILL_EVERY_MS = 10_000;
const STARVE_EVERY_MS = 23_000;
const STARVE_MS = 1000;

export function startMischief(sidecar: StormSidecar, seed: number): Mischief {
  const random = createRandom(seed);
  const counts = { standstills: 0, starvations: 0 };
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
    sidecar.signal('SIGSTOP');
    later(300 + random() * 3700, () => {
      sidecar.signal('SIGCONT');
      later(STANDSTILL_EVERY_MS * (0.5 + random()), stand);
    });
  };
  const starve = (): void => {
    counts.starvations++;
    const busy: ChildProcess[] = [0, 1].map(() =>
      adopt(spawn(process.execPath, ['-e', BUSY, String(STARVE_MS)], { stdio: 'ignore' })),
    );
    for (const child of busy) child.on('error', () => {});
    later(STARVE_EVERY_MS * (0.5 + random()), starve);
  };
  later(STANDSTILL_EVERY_MS * random(), stand);
  later(STARVE_EVERY_MS * random(), starve);
  return {
    counts,
    end() {
      over = true;
      for (const timer of timers) clearTimeout(timer);
      if (sidecar.exited() === undefined) sidecar.signal('SIGCONT');
    },
  };
}
