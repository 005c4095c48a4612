// time: the one beat of the process. Timers are looked at only after the sockets have been read, and a beat that is late shows a standstill.
import { Standstills } from '../delivery/standstills.ts';
import { now } from './clock.ts';

/** ms between looks: each wakes a loop that may be idle. With the wheel's 25 ms tick a time-out is noticed within 75 ms (SPEC D4). */
export const BEAT_MS = 50;
/** A beat that comes this much too late, ms, shows that the process stood still: SIGSTOP, a paused machine, a throttled CPU, a blocked loop. */
export const STANDSTILL_MS = 250;

/** Told when a standstill is over, before any timer is looked at: it began at `from` (monotonic ms) and lasted `ms`. */
export type OnStandstill = (from: number, ms: number) => void;

const looks = new Set<(at: number) => void>();
const witnesses = new Set<OnStandstill>();
const standstills = new Standstills();
let users = 0;
let timer: NodeJS.Timeout | undefined;
let soon: NodeJS.Immediate | undefined;
let last = 0;
/** When the timers were looked at whose look is to come, monotonic ms. */
let due = 0;

/** How much of the time since `at` (monotonic ms) the process stood still, ms. Known as long as a beat runs (`keepPulse`). */
export function stillSince(at: number): number {
  return standstills.since(at);
}

/**
 * Calls `look` on every beat, in the phase of the event loop that follows the reads: what had reached a socket before a timer was
 * due is taken in before the timer counts (SPEC D14). `at` (monotonic ms) is from before the reads: only what was due then is over,
 * however long the reads took, and also if the process stood still behind them. The result ends it.
 */
export function onBeat(look: (at: number) => void): () => void {
  looks.add(look);
  const release = keepPulse();
  return () => {
    looks.delete(look);
    release();
  };
}

/** Calls `witness` after each standstill; the result ends it. */
export function onStandstill(witness: OnStandstill): () => void {
  witnesses.add(witness);
  const release = keepPulse();
  return () => {
    witnesses.delete(witness);
    release();
  };
}

/** Keeps the beat going, so that standstills are noticed; the result, called once, lets it go. It never keeps the process alive. */
export function keepPulse(): () => void {
  if (users++ === 0) {
    last = now();
    timer = setInterval(beat, BEAT_MS);
    timer.unref();
  }
  let kept = true;
  return () => {
    if (!kept) return;
    kept = false;
    if (--users > 0) return;
    clearInterval(timer);
    clearImmediate(soon);
    soon = undefined;
  };
}

function beat(): void {
  const at = now();
  const late = at - last - BEAT_MS;
  if (late > STANDSTILL_MS) {
    const from = at - late;
    standstills.note(from, at);
    for (const witness of witnesses) witness(from, late);
  }
  last = at;
  if (soon !== undefined) return;
  due = at;
  soon = setImmediate(lookAll);
}

function lookAll(): void {
  soon = undefined;
  for (const look of looks) look(due);
}
