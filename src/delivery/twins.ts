// delivery: twins: the deliveries of one event id to one session, and which of them a confirmation can mean (D13).
import type { Delivery } from './record.ts';

/** A delivery and its twins, oldest first. There is nearly always one. */
export function oldestFirst(newest: Delivery): Delivery[] {
  const twins = [newest];
  for (let each = newest.olderTwin; each !== undefined; each = each.olderTwin) twins.push(each);
  return twins.length === 1 ? twins : twins.reverse();
}

/**
 * The oldest message that a confirmation of the event can mean, if that message is certain to have
 * been the first of its id: a client cannot confirm a message that it has not got. A message that
 * the client missed, and that the backend was asked to emit again, cannot be meant.
 */
export function oldestMeant(newest: Delivery): Delivery | undefined {
  let oldest: Delivery | undefined;
  for (let each: Delivery | undefined = newest; each !== undefined; each = each.olderTwin)
    if (each.queue !== 'reemission') oldest = each;
  return oldest?.repeated === true ? undefined : oldest;
}

/** Whether no message of its id was sent before it, which a confirmation could mean. */
export function isFirst({ repeated, olderTwin }: Delivery): boolean {
  return !repeated && olderTwin === undefined;
}

/** Whether barrier evidence has shown that the client's stack has the message. */
export function isReceived(delivery: Delivery): boolean {
  return delivery.receivedAt !== 0 && delivery.queue !== 'reemission';
}
