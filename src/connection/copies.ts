// connection: whether a copy of a message that was not read would be read (SPEC D13).
import type { MessageReader } from '../decode/protocol.ts';
import type { Copies } from '../delivery/obscured.ts';
import type { EventFacts } from '../delivery/record.ts';
import type { SkipReason, Unseen } from '../relay/tap.ts';

/**
 * What holds of copies of a message of `bytes` bytes; undefined = the message cannot have held an
 * event. What was longer than `messageBytes` is too long as long as that is not raised.
 */
export function copiesOf(
  reason: SkipReason,
  bytes: number,
  messageBytes: number,
  unseen: Unseen = reason === 'binary' ? 'no' : 'once',
): Copies | undefined {
  if (unseen === 'no') return undefined;
  if (bytes > messageBytes) return 'unread';
  return unseen === 'here' ? 'elsewhere' : 'anywhere';
}

/**
 * What holds of copies of an event in a message that was read, or of whose beginning was (`cut`);
 * undefined = the ids in the message are known.
 */
export function copiesInside(
  { mayHide }: MessageReader,
  facts: EventFacts | undefined,
  cut: boolean,
): Copies | undefined {
  // The events of such a message may come one by one.
  if (mayHide === true) return 'anywhere';
  return cut && facts?.id === undefined ? 'unread' : undefined;
}
