// config: values of the keys of hooks: where notices go, and the secrets that sign them.
import { type Kind, scalar } from './kinds.ts';

/**
 * A path of the upstream, or an address without credentials. Credentials would not be sent, and
 * would end up in logs.
 */
export const hookUrl: Kind<string> = scalar(
  'a /path of the upstream, or an http:// or https:// address without a user name or fragment',
  (given) => {
    if (typeof given !== 'string') return undefined;
    if (/^\/[!-~]*$/.test(given)) return given.includes('#') ? undefined : given;
    if (!/^https?:\/\/[!-~]+$/.test(given) || given.includes('#') || !URL.canParse(given)) return undefined;
    const { username, password } = new URL(given);
    return username === '' && password === '' ? given : undefined;
  },
);

/** A secret of Standard Webhooks ("Signature scheme"). */
export const hookSecret: Kind<string> = scalar('whsec_ followed by the base64 of 24 to 64 random bytes', (given) => {
  const text = typeof given === 'string' ? /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(given)?.[1] : undefined;
  if (text === undefined) return undefined;
  const { length } = Buffer.from(text, 'base64');
  return length >= 24 && length <= 64 ? (given as string) : undefined;
});
