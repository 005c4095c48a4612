// connection: whether a copy of a message that was not read would be read (SPEC D13).
import type { Copies } from '../delivery/obscured.ts';
import type { SkipReason, Unseen } from '../relay/tap.ts';

/**
 * What holds of copies of a message of `bytes` bytes; undefined = the message cannot have held an
 * event. What was longer than `messageBytes` is too long whenever it is sent.
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
