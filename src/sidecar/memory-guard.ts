// sidecar: memory that runs out: first less is tracked, then no connection is accepted (SPEC D7).
import { onBeat } from '../time/pulse.ts';

export interface MemoryDeps {
  /** The share of `limitBytes` that the process may fill; 0 = no bound. */
  readonly share: number;
  readonly limitBytes: number;
  /** Resident memory now, bytes. Default: that of this process. */
  readonly used?: () => number;
  /** Monotonic ms. */
  readonly now: () => number;
  /** Sets whether LOW and NORMAL events pass untracked. */
  readonly shed: (on: boolean) => void;
  /** Reports that a stage begins (`fault`) or ends. */
  readonly fault: (text: string) => void;
  readonly info: (text: string) => void;
}

export interface MemoryGuard {
  /** Bytes that the process may have; 0 = no bound. */
  readonly bound: number;
  /** The share of the bound in use at the last look. */
  readonly used: number;
  /** Whether new connections are refused. */
  readonly refusing: boolean;
  /** Looks at once, and then once a second. The result ends the looks. */
  start(): () => void;
}

const EVERY_MS = 1000;
/**
 * A stage begins at its share of the bound, and ends this much below it, so that it does not
 * flutter.
 */
const SLACK = 0.05;
const SHED_FROM = 0.85;
const REFUSE_FROM = 0.95;

/** Looks at resident memory. Nothing runs before `start`. */
export function createMemoryGuard(deps: MemoryDeps): MemoryGuard {
  const { share, limitBytes, used: resident = () => process.memoryUsage.rss(), now, shed, fault, info } = deps;
  const bound = Math.floor(limitBytes * share);
  let used = 0;
  let next = Number.NEGATIVE_INFINITY;
  const shedding = stage(SHED_FROM, 'LOW and NORMAL events pass untracked', shed);
  const refusing = stage(REFUSE_FROM, 'new connections are refused');

  function stage(from: number, effect: string, told: (on: boolean) => void = () => {}) {
    const self = { on: false, look };
    function look(): void {
      const on = used >= (self.on ? from - SLACK : from);
      if (on === self.on) return;
      self.on = on;
      told(on);
      const state = `${Math.round(used * 100)} % of the ${Math.round(bound / 1048576)} MiB of limits.memory in use`;
      if (on) fault(`${state}: from here on ${effect}`);
      else info(`${state}: no longer so that ${effect}`);
    }
    return self;
  }

  function look(): void {
    const at = now();
    if (at < next) return;
    next = at + EVERY_MS;
    used = resident() / bound;
    shedding.look();
    refusing.look();
  }

  return {
    bound,
    get used() {
      return used;
    },
    get refusing() {
      return refusing.on;
    },
    start() {
      if (bound === 0) return () => {};
      look();
      return onBeat(look);
    },
  };
}
