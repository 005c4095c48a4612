// Simulation: behaviours that were wrong once, or would be: each is switched on again at run time and must make the simulation fail.
import type { Revert } from './revert.ts';
import { DELIVERY } from './reverts-delivery.ts';
import { RELAY } from './reverts-relay.ts';

export const REVERTS: readonly Revert[] = [...DELIVERY, ...RELAY];
