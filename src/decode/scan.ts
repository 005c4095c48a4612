// decode: skips JSON values that no path leads into, without a throw or a string.
/**
 * Depth of containers, the document itself being the first. Deeper ones are counted, and neither
 * matched nor entered.
 */
export const MAX_DEPTH = 64;

/**
 * How a walk ends early; every other result is an offset. `cut`: the bytes that may be read ran
 * out.
 */
export const STOP = { cut: -1, broken: -2 } as const;

/**
 * Bytes of a skipped string after which the native search for the quote is cheaper than the loop
 * (measured: Node 20).
 */
const LONG_STRING = 64;

/**
 * Bytes of the buffer behind the message that the native search may look at before a view of the
 * message is worth making.
 */
const SLACK = 65_536;

/** ASCII. */
export const QUOTE = 0x22;
/** ASCII. */
export const BACKSLASH = 0x5c;
/** ASCII. */
export const COMMA = 0x2c;
/** ASCII. */
export const COLON = 0x3a;

/** What a byte may mean outside strings. */
const BLANK = 1;
const SCALAR = 2;
const OPENER = 3;
const CLOSER = 4;
const STRING = 5;
const ILLEGAL = 6;
const OUTSIDE = new Uint8Array(256).fill(ILLEGAL);
for (const byte of Buffer.from(' \t\r\n')) OUTSIDE[byte] = BLANK;
// Also the letters of NaN and Infinity: Python writes them, and clients in Python read them.
for (const byte of Buffer.from('0123456789+-.eEtrufalsn,:NIiy')) OUTSIDE[byte] = SCALAR;
for (const byte of Buffer.from('{[')) OUTSIDE[byte] = OPENER;
for (const byte of Buffer.from('}]')) OUTSIDE[byte] = CLOSER;
OUTSIDE[QUOTE] = STRING;

/**
 * 0 for the bytes that mean only themselves inside strings: ASCII without quote, backslash and
 * control characters.
 */
const SPECIAL = new Uint8Array(256).fill(1);
SPECIAL.fill(0, 0x20, 0x80);
SPECIAL[QUOTE] = 1;
SPECIAL[BACKSLASH] = 1;

/**
 * The first offset from `p` of a byte that is special inside strings, or `limit`. Four bytes a
 * turn: a tenth cheaper (measured).
 */
export function plainRun(buf: Buffer, p: number, limit: number): number {
  for (const last = limit - 3; p < last; p += 4) {
    if (SPECIAL[buf[p]!] !== 0) return p;
    if (SPECIAL[buf[p + 1]!] !== 0) return p + 1;
    if (SPECIAL[buf[p + 2]!] !== 0) return p + 2;
    if (SPECIAL[buf[p + 3]!] !== 0) return p + 3;
  }
  while (p < limit && SPECIAL[buf[p]!] === 0) p++;
  return p;
}

/** The buffer between messages. */
export const NO_BYTES: Buffer = Buffer.alloc(0);

/**
 * The state of a cursor: the bytes, where to stop, and what was seen. A class for its fixed shape;
 * `JsonWalk` is built on it.
 */
export class JsonScan {
  protected buf: Buffer = NO_BYTES;
  protected limit = 0;
  /**
   * All bytes of the strings that were looked at, or-ed; 0x80 set = there may be non-ASCII text.
   */
  protected bits = 0;
  /**
   * `buf` cut at `limit`, made when first needed: the native search must not run past the message.
   */
  #view: Buffer | undefined = undefined;
  readonly #closers = new Uint8Array(MAX_DEPTH + 1);

  /** Sets out on `buf`, reading nothing at or after `limit`. */
  protected begin(buf: Buffer, limit: number): void {
    this.buf = buf;
    this.limit = limit;
    this.bits = 0;
    this.#view = undefined;
  }

  /** Releases the bytes, so that a large message does not live until the next one. */
  release(): void {
    this.buf = NO_BYTES;
    this.#view = undefined;
  }

  /** Skips a value that no path leads into. */
  protected skip(p: number, depth: number): number {
    const { buf, limit } = this;
    if (p >= limit) return STOP.cut;
    const first = buf[p]!;
    if (first === QUOTE) return this.closingQuote(p + 1);
    if (OUTSIDE[first] === OPENER) return this.#container(p, depth);
    if (first === 0x74) return this.#word(p, 'true');
    if (first === 0x66) return this.#word(p, 'false');
    if (first === 0x6e) return this.#word(p, 'null');
    if (first !== 0x2d && (first < 0x30 || first > 0x39)) return this.#noNumber(p);
    for (p++; p < limit; p++) {
      const byte = buf[p]!;
      if (OUTSIDE[byte] !== SCALAR || byte === COMMA || byte === COLON) return p;
    }
    return STOP.cut;
  }

  /** Skips a number that JSON does not have. */
  #noNumber(p: number): number {
    const first = this.buf[p]!;
    if (first === 0x4e) return this.#word(p, 'NaN');
    return first === 0x49 ? this.#word(p, 'Infinity') : STOP.broken;
  }

  #word(p: number, word: string): number {
    for (let i = 0; i < word.length; i++, p++) {
      if (p >= this.limit) return STOP.cut;
      if (this.buf[p] !== word.charCodeAt(i)) return STOP.broken;
    }
    return p;
  }

  /** Skips the object or array that opens at `p`, `depth` containers down, without entering it. */
  #container(p: number, depth: number): number {
    const { buf, limit } = this;
    const closers = this.#closers;
    const outside = depth;
    while (p < limit) {
      const byte = buf[p]!;
      const meaning = OUTSIDE[byte]!;
      p++;
      if (meaning <= SCALAR) continue;
      if (meaning === STRING) {
        p = this.closingQuote(p);
        if (p < 0) return p;
      } else if (meaning === OPENER) {
        // Both closers are two above their openers in ASCII. Beyond the array nothing is stored.
        closers[++depth] = byte + 2;
      } else if (meaning === CLOSER) {
        if (closers[depth] !== byte && depth <= MAX_DEPTH) return STOP.broken;
        if (endsWithComma(buf, p - 2)) return STOP.broken;
        if (--depth === outside) return p;
      } else return STOP.broken;
    }
    return STOP.cut;
  }

  /** The offset behind the quote that ends the string in which `p` stands (on no escaped byte). */
  protected closingQuote(p: number): number {
    const { buf, limit } = this;
    for (;;) {
      const soon = Math.min(p + LONG_STRING, limit);
      while (p < soon) {
        p = plainRun(buf, p, soon);
        if (p >= soon) break;
        const byte = buf[p]!;
        if (byte === QUOTE) return p + 1;
        if (byte === BACKSLASH) {
          p++;
          if (p < limit) this.bits |= buf[p]!;
        } else if (byte < 0x20) return STOP.broken;
        else this.bits |= byte;
        p++;
      }
      if (p >= limit) return STOP.cut;
      p = this.#farQuote(p);
      if (p < 0) return p;
      if (p < limit && buf[p] === QUOTE) return p + 1;
    }
  }

  /** Where to go on in a long string: at the next quote, or behind it when it is escaped. */
  #farQuote(p: number): number {
    const { buf, limit } = this;
    // The native search does not say whether it passed non-ASCII text, so suppose it did.
    this.bits |= 0x80;
    if (this.#view === undefined) this.#view = buf.length - limit <= SLACK ? buf : buf.subarray(0, limit);
    const quote = this.#view.indexOf(QUOTE, p);
    if (quote < 0 || quote >= limit) return STOP.cut;
    let slash = quote;
    while (slash > p && buf[slash - 1] === BACKSLASH) slash--;
    return ((quote - slash) & 1) === 0 ? quote : quote + 1;
  }

  /** The first offset from `p` without white space. */
  protected blank(p: number): number {
    const { buf, limit } = this;
    while (p < limit && OUTSIDE[buf[p]!] === BLANK) p++;
    return p;
  }
}

/** Whether the last visible byte at or before `p` is a comma. */
function endsWithComma(buf: Buffer, p: number): boolean {
  while (OUTSIDE[buf[p]!] === BLANK) p--;
  return buf[p] === COMMA;
}
