// connection: makes sure that an opted-in client gives each message its right number, or comes again (SPEC R2).

import type { SpliceHandle } from '../relay/splice-handle.ts';
import { looksLikeNotice, replayText } from '../resume/messages.ts';

/**
 * Prepares the client for message `ordinal`, which is about to be written. Of its payload of
 * `bytes` bytes, `buf[start, end)` is at hand as text.
 */
export function number(
  connection: { sendText(data: Uint8Array): void },
  splice: SpliceHandle,
  buf: Buffer,
  start: number,
  end: number,
  bytes: number,
  ordinal: number,
): void {
  const { audience } = splice;
  if (audience === 'absent') return;
  if (audience === 'arriving') {
    // A part of a message cannot be sent, nor can a binary message as text.
    if (end - start < bytes) splice.dropClient();
    else {
      // The client came after the beginning of the message, so that it hears nothing of it
      // otherwise.
      connection.sendText(replayText(ordinal));
      connection.sendText(buf.subarray(start, end));
    }
    return;
  }
  // The client would take a message that looks like a notice for a notice of ours.
  if (!looksLikeNotice(buf, start, end)) return;
  if (!splice.announce(buf, start, end, replayText(ordinal))) splice.dropClient();
}
