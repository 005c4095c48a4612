// An observer that takes no notice, for tests that only need the deliveries.
import type { Observer } from '../../src/delivery/ports.ts';

export const silentObserver: Observer = {
  tracked() {},
  attempted() {},
  received() {},
  settled() {},
  upgraded() {},
  unmatched() {},
  shed() {},
};
