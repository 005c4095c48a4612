// decode: an id that is a number, as ONE text however the number is spelled: `1`, `1.0`, `1e0` and `10e-1` are all `1`.

/** A longer number is written with an exponent, so that `1e999999999` stays short. */
const LONGEST_PLAIN = 40;

/**
 * Whether `buf[start, end)` is a whole number of at most 15 digits in its only spelling, as nearly
 * every numeric id is.
 */
export function isPlainWhole(buf: Uint8Array, start: number, end: number): boolean {
  const length = end - start;
  if (length > 15 || length === 0) return false;
  if (buf[start] === 0x30) return length === 1;
  for (let p = start; p < end; p++) {
    const byte = buf[p]!;
    if (byte < 0x30 || byte > 0x39) return false;
  }
  return true;
}

/**
 * The one text of a number, from its JSON text (RFC 8259 §6; anything else gives nonsense). Two
 * spellings have one text if JSON.parse reads the same number from them. Beyond ±(2^53 − 1)
 * JSON.parse reads one number from several whole ones, so there the exact decimal value counts:
 * 9007199254740992 and 9007199254740993 differ, and so do 1e400 and 1e401.
 */
export function numberText(json: string): string {
  const value = Number(json);
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value === 0 ? '0' : String(value);
  return exactText(json);
}

/**
 * `numberText` of a number that was parsed already; undefined for the numbers that JSON does not
 * have.
 */
export function idOfNumber(value: number): string | undefined {
  return Number.isFinite(value) ? numberText(String(value)) : undefined;
}

/** The significant digits and the power of ten behind them: one pair per value. */
function exactText(json: string): string {
  const [, sign, whole, fraction = '', exponent = '0'] = /^(-?)([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/.exec(
    json,
  ) as RegExpExecArray & [string, string, string];
  const all = (whole + fraction).replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  // An exponent may have a thousand digits itself.
  const power = BigInt(exponent) - BigInt(fraction.length) + BigInt(all.length - digits.length);
  const plain = power >= 0n && BigInt(digits.length) + power <= BigInt(LONGEST_PLAIN);
  return sign + digits + (plain ? '0'.repeat(Number(power)) : `e${power}`);
}
