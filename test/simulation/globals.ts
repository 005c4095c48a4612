// Simulation: timers and clocks of the process, given to whichever simulation runs; the real ones while none does. Import it before src/.
import type { Loop } from './loop.ts';
import type { World } from './world.ts';

let world: World | undefined;
let loop: Loop | undefined;
let random: (() => number) | undefined;
/** Distance of the wall clock from the simulated one, ms: it may be set, either way. */
let wallOffset = 0;

const real = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  setInterval: globalThis.setInterval,
  clearInterval: globalThis.clearInterval,
  setImmediate: globalThis.setImmediate,
  clearImmediate: globalThis.clearImmediate,
  performanceNow: performance.now.bind(performance),
  dateNow: Date.now,
  random: Math.random,
};

/** Lets the real event loop turn. */
export function realTurn(): Promise<void> {
  return new Promise((resolve) => real.setImmediate(resolve));
}

export const realNow = real.performanceNow;

/** From here on timers, clocks and `Math.random` are those of the simulation. */
export function enter(to: World, its: Loop, chance: () => number): void {
  world = to;
  loop = its;
  random = chance;
  wallOffset = 0;
}

export function leave(): void {
  world = loop = random = undefined;
}

/** Sets the wall clock. */
export function stepWall(ms: number): void {
  wallOffset += ms;
}

/**
 * Where simulated time begins, ms: a round figure, so that a schedule runs alike whenever it runs.
 */
export const EPOCH = 1_000_000_000;
Object.defineProperty(performance, 'timeOrigin', { value: 0, configurable: true });
performance.now = () => world?.now ?? real.performanceNow() + EPOCH / 2;
Date.now = () => (world === undefined ? real.dateNow() : Math.floor(world.now + wallOffset));
Math.random = () => (random === undefined ? real.random() : random());

/** A timer of somebody outside. */
class OutsideTimer {
  readonly happening: { run: (() => void) | undefined };
  constructor(happening: { run: (() => void) | undefined }) {
    this.happening = happening;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

type Callback = (...args: unknown[]) => void;

const patched = {
  setTimeout(run: Callback, ms = 1, ...args: unknown[]) {
    if (world === undefined || loop === undefined) return real.setTimeout(run, ms, ...args);
    if (world.inside) return loop.setTimer(run, ms, args, false);
    return new OutsideTimer(world.plan(world.now + Math.max(1, ms), () => run(...args)));
  },
  setInterval(run: Callback, ms = 1, ...args: unknown[]) {
    if (world === undefined || loop === undefined || !world.inside) return real.setInterval(run, ms, ...args);
    return loop.setTimer(run, ms, args, true);
  },
  setImmediate(run: Callback, ...args: unknown[]) {
    if (world === undefined || loop === undefined || !world.inside) return real.setImmediate(run, ...args);
    return loop.setImmediate(run, args);
  },
  clear(timer: unknown) {
    if (timer instanceof OutsideTimer) timer.happening.run = undefined;
    else if (loop?.clear(timer) !== true) {
      real.clearTimeout(timer as NodeJS.Timeout);
      real.clearImmediate(timer as NodeJS.Immediate);
    }
  },
};
Object.assign(globalThis, {
  setTimeout: patched.setTimeout,
  setInterval: patched.setInterval,
  setImmediate: patched.setImmediate,
  clearTimeout: patched.clear,
  clearInterval: patched.clear,
  clearImmediate: patched.clear,
});
