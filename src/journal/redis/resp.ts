// journal: commands as Redis reads them (RESP): arrays of strings of bytes, several in one buffer.

export type Arg = string | Uint8Array;

/** Memory that a batch keeps as long as nothing larger comes, bytes. */
const LEAST = 64 * 1024;
/** Room for the line before a string, and the ends of both, bytes. */
const HEAD_BYTES = 24;
/** Units of a text that is written one by one: beyond, a call of the runtime costs less. */
const SHORT = 48;
/** Most bytes of a unit of a text in UTF-8. */
const UNIT_BYTES = 3;
const [ARRAY, BULK, ZERO, CR, LF] = [0x2a, 0x24, 0x30, 0x0d, 0x0a];

/** Arguments that many commands have in common, as Redis reads them. */
export class Fixed {
  readonly args: readonly string[];
  readonly bytes: Buffer;

  constructor(...args: string[]) {
    this.args = args;
    this.bytes = Buffer.from(args.map((arg) => `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`).join(''));
  }

  get length(): number {
    return this.args.length;
  }
}

/** A part of a command. */
export type Part = Fixed | readonly Arg[];

/** The arguments of all parts, as a client takes them. */
export function argsOf(parts: readonly Part[]): (string | Buffer)[] {
  const args = parts.flatMap((part): readonly Arg[] => (part instanceof Fixed ? part.args : part));
  return args.map((arg) => (typeof arg === 'string' ? arg : Buffer.from(arg)));
}

/** Commands that are written together. */
export class Batch {
  #buf = Buffer.allocUnsafeSlow(LEAST);
  #length = 0;

  /** Adds a command that has these parts, its name first. Answers its size, bytes. */
  add(parts: readonly Part[]): number {
    const begun = this.#length;
    let count = 0;
    for (let i = 0; i < parts.length; i++) count += parts[i]!.length;
    this.#reserve(HEAD_BYTES);
    this.#head(ARRAY, count);
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i]!;
      if (part instanceof Fixed) this.#copy(part.bytes);
      else for (let n = 0; n < part.length; n++) this.#put(part[n]!);
    }
    return this.#length - begun;
  }

  #copy(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#buf.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Adds an argument. */
  #put(arg: Arg): void {
    if (typeof arg !== 'string') {
      this.#reserve(HEAD_BYTES + arg.length);
      this.#head(BULK, arg.length);
      this.#buf.set(arg, this.#length);
      this.#end(arg.length);
    } else if (arg.length > SHORT || !this.#ascii(arg)) this.#text(arg);
  }

  /** Adds a text whose units are bytes; false = they are not. */
  #ascii(text: string): boolean {
    const size = text.length;
    const begun = this.#length;
    this.#reserve(HEAD_BYTES + size);
    this.#head(BULK, size);
    const buf = this.#buf;
    const at = this.#length;
    for (let i = 0; i < size; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) {
        this.#length = begun;
        return false;
      }
      buf[at + i] = unit;
    }
    this.#end(size);
    return true;
  }

  /**
   * Adds any text. Most have as many bytes as units: a text is written once more, behind the right
   * size, where it has not.
   */
  #text(text: string): void {
    const begun = this.#length;
    this.#reserve(HEAD_BYTES + text.length * UNIT_BYTES);
    this.#head(BULK, text.length);
    const size = this.#buf.write(text, this.#length);
    if (size !== text.length) {
      this.#length = begun;
      this.#head(BULK, size);
      this.#buf.write(text, this.#length);
    }
    this.#end(size);
  }

  /**
   * The bytes of all commands, valid until the next call. They are a copy: what the arguments were
   * made of may be used again.
   */
  get bytes(): Buffer {
    return this.#buf.subarray(0, this.#length);
  }

  /** Removes all commands. `inUse`: the socket still reads the bytes. */
  reset(inUse: boolean): void {
    this.#length = 0;
    // Memory that one long message needed is not kept for ever.
    if (inUse || this.#buf.length > LEAST * 4) this.#buf = Buffer.allocUnsafeSlow(LEAST);
  }

  /** Writes the line before an array or a string of that size. */
  #head(kind: number, size: number): void {
    const buf = this.#buf;
    buf[this.#length++] = kind;
    let unit = 1;
    while (size >= unit * 10) unit *= 10;
    for (; unit >= 1; unit = Math.floor(unit / 10)) buf[this.#length++] = ZERO + (Math.floor(size / unit) % 10);
    this.#end(0);
  }

  /** Ends what is there and `size` bytes more with a new line. */
  #end(size: number): void {
    const at = this.#length + size;
    this.#buf[at] = CR;
    this.#buf[at + 1] = LF;
    this.#length = at + 2;
  }

  #reserve(size: number): void {
    const least = this.#length + size;
    if (least <= this.#buf.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(least, this.#buf.length * 2));
    this.#buf.copy(larger, 0, 0, this.#length);
    this.#buf = larger;
  }
}
