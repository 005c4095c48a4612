// identity: valid user names: short, printable, no white space around them; any other value is no user.

/**
 * Longest user name, bytes of UTF-8. A longer one is refused, because cutting it could make two
 * users one.
 */
export const MAX_USER_BYTES = 256;

/** `none`: there was no value. `unusable`: the value cannot be a user name. */
export type Named = { readonly user: string } | 'none' | 'unusable';

/** Reads a user name out of a header, cookie, query value or claim. Never throws. */
export function readUser(value: unknown): Named {
  if (value === undefined || value === null) return 'none';
  if (typeof value === 'number') return Number.isSafeInteger(value) ? { user: String(value) } : 'unusable';
  if (typeof value !== 'string') return 'unusable';
  const user = value;
  if (/^\s*$/.test(user)) return 'none';
  // Trimming would make two users of the backend one here.
  if (user !== user.trim()) return 'unusable';
  // Four bytes per UTF-16 unit pair at most: the length alone rules out a huge value before any
  // encoding.
  if (user.length > MAX_USER_BYTES || Buffer.byteLength(user) > MAX_USER_BYTES) return 'unusable';
  return /[\p{Cc}\p{Surrogate}\uFFFD]/u.test(user) ? 'unusable' : { user };
}
