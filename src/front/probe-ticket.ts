// front: the last part of a probe's path, good for a while: made with the admin token, checked by any instance.
import { createHmac, timingSafeEqual } from 'node:crypto';

/** How long a ticket is good, ms: a look of an hour, and clocks that differ. */
export const TICKET_MS = 75 * 60_000;

/**
 * `EXPIRY-MAC`: a path passes every edge as it is, and the token itself is in none of their logs.
 * `wall`: ms since the epoch.
 */
export function probeTicket(token: string, wall: number): string {
  const expiry = Math.round((wall + TICKET_MS) / 1000).toString(36);
  return `${expiry}-${mac(token, expiry)}`;
}

/** Whether a ticket was made with that token, and still holds at `wall`. */
export function isProbeTicket(ticket: string, token: string, wall: number): boolean {
  const [, expiry = '', given = ''] = /^([0-9a-z]{1,9})-([\w-]{43})$/.exec(ticket) ?? [];
  if (expiry === '') return false;
  const right = timingSafeEqual(Buffer.from(given), Buffer.from(mac(token, expiry)));
  const until = Number.parseInt(expiry, 36) * 1000;
  return right && until > wall && until <= wall + 2 * TICKET_MS;
}

function mac(token: string, expiry: string): string {
  return createHmac('sha256', token).update(`ackspan probe ${expiry}`).digest('base64url');
}
