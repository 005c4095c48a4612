// What gives way first at a limit: every priority may fill its share, LOW the smallest, CRITICAL all of it (D7).
import type { Priority } from './words.ts';

/** Share of a limit that each priority may fill. */
export const SHED_AT: Readonly<Record<Priority, number>> = { critical: 1, high: 0.95, normal: 0.9, low: 0.8 };

/** Below this share of a limit nobody has to give way. */
export const SHED_FROM = SHED_AT.low;
