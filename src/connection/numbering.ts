// connection: makes sure that an opted-in client gives each message its right number, or comes again (SPEC R2).

import type { SpliceHandle } from '../relay/splice-handle.ts';
import { looksLikeNotice, replayText } from '../resume/messages.ts';

/**
 * Prepares the client for message `ordinal`, which is about to be written. Of its payload of
 * `bytes` bytes, `buf[start, end)` is at hand.
 */
export function number(
  connection: { sendMessage(data: Uint8Array, binary?: boolean): void },
  splice: SpliceHandle,
  buf: Buffer,
  start: number,
  end: number,
  bytes: number,
  ordinal: number,
  binary: boolean,
): void {
  const { audience } = splice;
  if (audience === 'absent') return;
  if (audience === 'arriving') {
    // A part of a message cannot be sent.
    if (end - start < bytes) splice.turnAway();
    else {
      // The client came after the beginning of the message, so that it hears nothing of it
      // otherwise.
      connection.sendMessage(replayText(ordinal));
      connection.sendMessage(buf.subarray(start, end), binary);
    }
    return;
  }
  // The client would take a text that looks like a notice for a notice of ours.
  if (binary || !looksLikeNotice(buf, start, end)) return;
  if (!splice.announce(buf, start, end, replayText(ordinal))) splice.turnAway();
}
