// connection: keeps the message of a delivery for replays and resends, if all of it is at hand.
import type { Delivery } from '../delivery/record.ts';
import type { Retention } from '../delivery/retention.ts';

/**
 * Keeps a message of `bytes` bytes, of which `buf[start, end)` is at hand: all of it, or its
 * beginning. `several`: the message holds other events, too.
 */
export function keepMessage(
  retention: Retention,
  delivery: Delivery,
  buf: Buffer,
  start: number,
  end: number,
  bytes: number,
  several: boolean,
): void {
  // Sent again, the message would bring its other events again, which their rules may not allow.
  if (several) retention.refused.several_events++;
  else if (end - start === bytes) retention.keep(delivery, bytes, () => Buffer.from(buf.subarray(start, end)));
  else retention.cut(bytes);
}
