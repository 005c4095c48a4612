// decode: one JSON pointer (RFC 6901) as its reference tokens; a malformed pointer never gets past here.

/**
 * Splits a JSON pointer into its unescaped reference tokens (RFC 6901 §3, §4): `/a~1b/0` → `['a/b',
 * '0']`, `''` (the whole document) → `[]`. Throws a TypeError when the pointer does not start with
 * `/` or has a `~` that is neither `~0` nor `~1`.
 */
export function parsePointer(pointer: string): readonly string[] {
  if (pointer === '') return [];
  if (!pointer.startsWith('/')) throw new TypeError(`JSON pointer "${pointer}" must start with "/"`);
  if (/~(?![01])/.test(pointer)) throw new TypeError(`JSON pointer "${pointer}": "~" must be followed by 0 or 1`);
  return pointer
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The array index that a token stands for (RFC 6901 §4: no sign, no leading zero), or -1. */
export function arrayIndex(token: string): number {
  if (!/^(?:0|[1-9][0-9]{0,8})$/.test(token)) return -1;
  return Number(token);
}
