// connection: sees to it that a client which has opted in gives each message its right number, or comes again to get it (SPEC R2).

import type { Splice } from '../relay/splice.ts';
import type { Connection } from './connection.ts';
import type { OptedIn } from './opted-in.ts';

/** Message `ordinal`, of whose `bytes` of payload `buf[start, end)` are at hand as text, is about to be written to the client. */
export function number(
  optedIn: OptedIn,
  connection: Connection,
  splice: Splice,
  buf: Buffer,
  start: number,
  end: number,
  bytes: number,
  ordinal: number,
): void {
  if (splice.isParked) return;
  if (splice.unheard) {
    // A beginning cannot be sent on, nor can a binary message.
    if (end - start < bytes) splice.dropClient();
    else optedIn.missed(connection, buf, start, end, ordinal);
    return;
  }
  const notice = optedIn.notice(buf, start, end, ordinal);
  if (notice !== undefined && !splice.announce(buf, start, end, notice)) splice.dropClient();
}
