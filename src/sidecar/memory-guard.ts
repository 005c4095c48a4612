// sidecar: memory that runs out: first less is tracked, then no connection is accepted, before the kernel ends the process (SPEC D7).
import { onBeat } from '../time/pulse.ts';

export interface MemoryDeps {
  /** Share of `limitBytes` that the process may fill; 0 = no bound. */
  readonly share: number;
  readonly limitBytes: number;
  /** Resident memory now, bytes. Default: that of this process. */
  readonly used?: () => number;
  /** Monotonic ms. */
  readonly now: () => number;
  /** Whether LOW and NORMAL events pass untracked. */
  readonly shed: (on: boolean) => void;
  /** A stage begins (`fault`) or ends. */
  readonly fault: (text: string) => void;
  readonly info: (text: string) => void;
}

export interface MemoryGuard {
  /** Bytes that the process may have; 0 = no bound. */
  readonly bound: number;
  /** Share of the bound in use when it was last looked at. */
  readonly used: number;
  /** New connections are refused. */
  readonly refusing: boolean;
  /** Starts to look, once a second, and at once; the result ends it. */
  start(): () => void;
}

const EVERY_MS = 1000;
/** A stage begins at its share of the bound, and ends this much below, so that it does not flutter. */
const SLACK = 0.05;
const SHED_FROM = 0.85;
const REFUSE_FROM = 0.95;

/** Looks at resident memory; nothing runs before `start`. */
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
