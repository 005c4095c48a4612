// hooks: signs notices as Standard Webhooks asks: HMAC-SHA256 over id, time and body, one signature per secret.
import { createHmac } from 'node:crypto';

const PREFIX = 'whsec_';

/**
 * The key in a secret written `whsec_<base64 of 24 to 64 bytes>` (Standard Webhooks, "Signature
 * scheme"); undefined when it is not one.
 */
export function readSecret(secret: string): Buffer | undefined {
  if (!secret.startsWith(PREFIX)) return undefined;
  const text = secret.slice(PREFIX.length);
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const key = Buffer.from(text, 'base64');
  return key.length >= 24 && key.length <= 64 ? key : undefined;
}

/**
 * Value of `webhook-signature`: `v1,<base64>` for each key, separated by spaces. `seconds` since
 * the epoch, as in `webhook-timestamp`.
 */
export function sign(keys: readonly Buffer[], id: string, seconds: number, body: string): string {
  const content = `${id}.${seconds}.${body}`;
  return keys.map((key) => `v1,${createHmac('sha256', key).update(content).digest('base64')}`).join(' ');
}
