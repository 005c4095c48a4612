// resume: tokens to resume a session: signed, bound to session and user, short-lived, new with every welcome.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** The content of a token whose signature is ours, or why the token is refused. */
export type TokenVerdict =
  | { readonly fault?: undefined; readonly serial: number }
  | { readonly fault: 'forged' | 'expired'; readonly serial?: undefined };

export interface Tokens {
  /**
   * Makes a token for welcome number `serial` of the session. `now` is ms since the epoch, by one
   * clock for both methods (the registry sees to it).
   */
  sign(session: string, user: string | undefined, serial: number, now: number): string;
  verify(token: string, session: string, user: string | undefined, now: number): TokenVerdict;
}

const BODY_BYTES = 12;
const FORGED: TokenVerdict = { fault: 'forged' };
const EXPIRED: TokenVerdict = { fault: 'expired' };

/**
 * HMAC-SHA256 (RFC 2104) over version, session, user, serial and expiry; base64url. The first key
 * signs, every key verifies, so keys rotate by putting a new one in front. Without keys a random
 * one lasts as long as the process. `lifeMs` bounds how long after its welcome a token can be used.
 */
export function createTokens(keys: readonly string[], lifeMs: number): Tokens {
  const secrets = keys.length > 0 ? keys : [randomBytes(32).toString('base64url')];
  const mac = (key: string, session: string, user: string | undefined, body: Buffer): Buffer =>
    createHmac('sha256', key)
      .update(JSON.stringify(['ackspan-resume-1', session, user ?? null]))
      .update(body)
      .digest();
  return {
    sign(session, user, serial, now) {
      const body = Buffer.alloc(BODY_BYTES);
      body.writeUIntBE(serial, 0, 6);
      body.writeUIntBE(Math.ceil((now + lifeMs) / 1000), 6, 6);
      return Buffer.concat([body, mac(secrets[0]!, session, user, body)]).toString('base64url');
    },
    verify(token, session, user, now) {
      const bytes = Buffer.from(token, 'base64url');
      if (bytes.length !== BODY_BYTES + 32) return FORGED;
      const body = bytes.subarray(0, BODY_BYTES);
      const given = bytes.subarray(BODY_BYTES);
      // Every key is tried, so that the time taken does not tell which one fits.
      let ours = false;
      for (const key of secrets) if (timingSafeEqual(mac(key, session, user, body), given)) ours = true;
      if (!ours) return FORGED;
      if (body.readUIntBE(6, 6) * 1000 < now) return EXPIRED;
      return { serial: body.readUIntBE(0, 6) };
    },
  };
}
