// time: the one beat of the process. Timers are looked at after the sockets; a late beat shows a standstill.
import { Standstills } from '../delivery/standstills.ts';
import { now } from './clock.ts';

/**
 * Gap between two beats, ms: each wakes a loop that may be idle. With the wheel's 25 ms tick a
 * time-out is noticed within 75 ms (SPEC D4).
 */
export const BEAT_MS = 50;
/**
 * Lateness of a beat, ms, that shows a standstill: SIGSTOP, a paused machine, a throttled CPU, a
 * blocked loop.
 */
const STANDSTILL_MS = 250;

/** Whether no beat has come for so long that the process must have stood still. */
export function stoodStill(): boolean {
  return users > 0 && now() - last - BEAT_MS > STANDSTILL_MS;
}

/**
 * Called when a standstill is over, before any timer is looked at. It began at `from` (monotonic
 * ms) and lasted `ms`.
 */
export type OnStandstill = (from: number, ms: number) => void;

const looks = new Set<(at: number) => void>();
const witnesses = new Set<OnStandstill>();
const standstills = new Standstills();
let users = 0;
let timer: NodeJS.Timeout | undefined;
let soon: NodeJS.Immediate | undefined;
let last = 0;
/** Time of the beat whose look is to come, from before the reads, monotonic ms. */
let due = 0;

/**
 * The part of the time since `at` (monotonic ms) in which the process stood still, ms. Known as
 * long as a beat runs (`keepPulse`).
 */
export function stillSince(at: number): number {
  return standstills.since(at);
}

/**
 * Calls `look` on every beat, in the phase of the event loop that follows the reads: bytes that had
 * reached a socket before a timer was due are taken in before the timer counts (SPEC D14). `at`
 * (monotonic ms) is from before the reads. Only what was due then is over, however long the reads
 * took, and also if the process stood still behind them. The result ends the calls.
 */
export function onBeat(look: (at: number) => void): () => void {
  looks.add(look);
  const release = keepPulse();
  return () => {
    looks.delete(look);
    release();
  };
}

/** Calls `witness` after each standstill. The result ends the calls. */
export function onStandstill(witness: OnStandstill): () => void {
  witnesses.add(witness);
  const release = keepPulse();
  return () => {
    witnesses.delete(witness);
    release();
  };
}

/**
 * Keeps the beat going, so that standstills are noticed. The result, called once, releases it. The
 * beat never keeps the process alive.
 */
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
