// connection: sees to it that a client which has opted in gives each message its right number, or comes again to get it (SPEC R2).

import type { SpliceHandle } from '../relay/splice-handle.ts';
import { looksLikeNotice, replayText } from '../resume/messages.ts';

/** Message `ordinal`, of whose `bytes` of payload `buf[start, end)` are at hand as text, is about to be written to the client. */
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
    // A beginning cannot be sent on, nor can a binary message.
    if (end - start < bytes) splice.dropClient();
    else {
      // The client heard nothing of it: it came too late for the first half.
      connection.sendText(replayText(ordinal));
      connection.sendText(buf.subarray(start, end));
    }
    return;
  }
  // The client would take it for a word of ours.
  if (!looksLikeNotice(buf, start, end)) return;
  if (!splice.announce(buf, start, end, replayText(ordinal))) splice.dropClient();
}
