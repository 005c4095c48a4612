// Storm: whether the storm's own process ran all the time: what it notes late proves nothing about when it happened.
import { now } from '../load/timing.ts';

const BEAT_MS = 50;
/** A beat that comes so much later than due is a stall, ms. */
const STALL_MS = 200;

const stalls: { readonly from: number; readonly to: number }[] = [];
let last = now();
setInterval(() => {
  const at = now();
  if (at - last > BEAT_MS + STALL_MS) stalls.push({ from: last, to: at });
  last = at;
}, BEAT_MS).unref();

/** Whether the event loop turned without a stall in [from, to], ms since the epoch. */
export function steady(from: number, to: number): boolean {
  if (now() - last > BEAT_MS + STALL_MS) return false;
  for (let i = stalls.length - 1; i >= 0; i--) {
    const stall = stalls[i]!;
    if (stall.to < from) return true;
    if (stall.from <= to) return false;
  }
  return true;
}
