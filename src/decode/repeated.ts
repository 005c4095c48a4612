// decode: values that events repeat (runs, users, tools), each as ONE string while it repeats.

/** Power of two. */
const SLOTS = 256;
/** Longer values are seldom repeated often enough to pay for the comparison, bytes. */
const LONGEST = 64;

/** The last value per slot; a newcomer takes the slot. */
export class RepeatedTexts {
  readonly #texts: string[] = new Array<string>(SLOTS).fill('');

  /** The ASCII bytes `buf[start, end)` as a string. */
  text(buf: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length > LONGEST) return buf.toString('latin1', start, end);
    let hash = length;
    for (let p = start; p < end; p++) hash = (Math.imul(hash, 31) + buf[p]!) | 0;
    const slot = (hash ^ (hash >>> 8)) & (SLOTS - 1);
    const known = this.#texts[slot]!;
    if (equals(known, buf, start, length)) return known;
    const text = buf.toString('latin1', start, end);
    this.#texts[slot] = text;
    return text;
  }
}

function equals(text: string, buf: Buffer, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== buf[start + i]) return false;
  return true;
}
