// Simulation: the sidecar's event loop, in libuv's order: timers, one poll of the sockets in an order that chance chooses, immediates, closes.
import type { Chance } from '../support/chance.ts';
import type { World } from './world.ts';

/** What a poll looks at: a socket, or a listener. */
export interface Source {
  readonly ready: boolean;
  poll(): void;
}

class Timer {
  due = 0;
  seq = 0;
  dead = false;
  readonly run: (...args: unknown[]) => void;
  readonly ms: number;
  readonly args: unknown[];
  readonly repeats: boolean;
  constructor(run: (...args: unknown[]) => void, ms: number, args: unknown[], repeats: boolean) {
    this.run = run;
    this.ms = ms;
    this.args = args;
    this.repeats = repeats;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }
}

class Immediate {
  dead = false;
  readonly run: (...args: unknown[]) => void;
  readonly args: unknown[];
  constructor(run: (...args: unknown[]) => void, args: unknown[]) {
    this.run = run;
    this.args = args;
  }
}

/** A time in which the sidecar stood still. */
export interface Standstill {
  readonly from: number;
  readonly to: number;
}

export class Loop {
  /** Promises of the sidecar may be waiting: microtasks are run after each callback. */
  promises = false;
  /** Standstills so far. */
  readonly standstills: Standstill[] = [];
  /** Costs of one callback, ms: up to this. */
  cost = 0.02;
  /** An error that a callback threw: nothing catches it in the sidecar, whose process would end. */
  crash: unknown;
  private readonly world: World;
  private readonly chance: Chance;
  private readonly sources: Source[] = [];
  private readonly timers: Timer[] = [];
  private immediates: Immediate[] = [];
  private closings: (() => void)[] = [];
  private ticks: (() => void)[] = [];
  /** The sidecar does not run before this moment. */
  private stillUntil = 0;
  private seq = 0;

  constructor(world: World, chance: Chance) {
    this.world = world;
    this.chance = chance;
  }

  /** Timers that wait. */
  get waiting(): number {
    return this.timers.length;
  }

  addSource(source: Source): void {
    this.sources.push(source);
  }

  removeSource(source: Source): void {
    const at = this.sources.indexOf(source);
    if (at >= 0) this.sources.splice(at, 1);
  }

  setTimer(run: (...args: unknown[]) => void, ms: number, args: unknown[], repeats: boolean): Timer {
    const timer = new Timer(run, ms >= 1 ? Math.trunc(ms) : 1, args, repeats);
    this.start(timer);
    return timer;
  }

  setImmediate(run: (...args: unknown[]) => void, args: unknown[]): Immediate {
    const immediate = new Immediate(run, args);
    this.immediates.push(immediate);
    return immediate;
  }

  /** False: not one of ours. */
  clear(timer: unknown): boolean {
    if (timer instanceof Timer) {
      timer.dead = true;
      const at = this.timers.indexOf(timer);
      if (at >= 0) this.timers.splice(at, 1);
      return true;
    }
    if (timer === undefined || timer === null) return true;
    if (!(timer instanceof Immediate)) return false;
    timer.dead = true;
    return true;
  }

  /** `process.nextTick` of the sockets. */
  tick(run: () => void): void {
    this.ticks.push(run);
  }

  /** To be called in the phase of closed handles. */
  closing(run: () => void): void {
    this.closings.push(run);
  }

  /** The process is stopped for `ms`, from now on; called from outside. */
  stand(ms: number): void {
    const { now } = this.world;
    const from = Math.max(now, this.stillUntil);
    this.stillUntil = from + ms;
    this.standstills.push({ from, to: this.stillUntil });
  }

  /** Turns until `end` (ms). */
  async run(end: number): Promise<void> {
    const { world } = this;
    while (world.now < end && this.crash === undefined) {
      this.catchUp();
      await this.runTimers();
      if (this.wait(end)) await this.runSources();
      await this.runImmediates();
      await this.runClosings();
    }
  }

  /** Runs one callback of the sidecar, and what it leaves for the end of the callback. */
  async call(run: () => void): Promise<void> {
    this.catchUp();
    this.world.inside = true;
    try {
      run();
      this.flush();
      if (this.promises) for (let i = 0; i < 6; i++) await undefined;
      this.flush();
    } catch (error) {
      this.crash ??= error;
    }
    this.world.inside = false;
    this.world.now += this.chance.next() * this.cost;
  }

  /** The callbacks of `process.nextTick`. */
  flush(): void {
    while (this.ticks.length > 0) {
      const ticks = this.ticks;
      this.ticks = [];
      for (const tick of ticks) tick();
    }
  }

  /** What happened outside meanwhile; a standstill lasts until its end. */
  private catchUp(): void {
    const { world } = this;
    world.advance(world.now);
    while (this.stillUntil > world.now) world.advance(this.stillUntil);
  }

  private start(timer: Timer): void {
    timer.due = Math.floor(this.world.now) + timer.ms;
    timer.seq = ++this.seq;
    let at = this.timers.length;
    while (at > 0 && this.timers[at - 1]!.due > timer.due) at--;
    this.timers.splice(at, 0, timer);
  }

  private async runTimers(): Promise<void> {
    for (;;) {
      const timer = this.timers[0];
      if (timer === undefined || timer.due > Math.floor(this.world.now)) return;
      this.timers.shift();
      await this.call(() => timer.run(...timer.args));
      if (timer.repeats && !timer.dead) this.start(timer);
    }
  }

  /**
   * Blocks as epoll does, until a socket is ready or the next timer is due. False: interrupted, and
   * the next timer is due.
   */
  private wait(end: number): boolean {
    const { world } = this;
    this.catchUp();
    if (this.immediates.length > 0 || this.closings.length > 0) return true;
    const until = Math.min(end, this.timers[0]?.due ?? end);
    while (!this.anyReady() && world.now < until) {
      if (world.next > until) world.advance(until);
      else world.step();
      if (this.stillUntil > world.now) {
        // epoll_wait ends with EINTR after SIGCONT; libuv then looks at its timers first if one is
        // due, else waits on.
        this.catchUp();
        if (world.now >= until) return false;
      }
    }
    return true;
  }

  private anyReady(): boolean {
    for (const source of this.sources) if (source.ready) return true;
    return false;
  }

  private async runSources(): Promise<void> {
    const ready = this.sources.filter((source) => source.ready);
    while (ready.length > 0) {
      const [source] = ready.splice(ready.length === 1 ? 0 : this.chance.between(0, ready.length - 1), 1);
      if (source!.ready) await this.call(() => source!.poll());
    }
  }

  private async runImmediates(): Promise<void> {
    const immediates = this.immediates;
    if (immediates.length === 0) return;
    this.immediates = [];
    for (const immediate of immediates) if (!immediate.dead) await this.call(() => immediate.run(...immediate.args));
  }

  private async runClosings(): Promise<void> {
    const closings = this.closings;
    if (closings.length === 0) return;
    this.closings = [];
    for (const closing of closings) await this.call(closing);
  }
}
