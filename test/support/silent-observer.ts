// An observer that does nothing, for tests that only need the deliveries.
import type { Observer } from '../../src/delivery/ports.ts';

export const silentObserver: Observer = {};
