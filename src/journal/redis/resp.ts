// journal: commands as Redis reads them (RESP): arrays of strings of bytes, several in one buffer.

export type Arg = string | Buffer;

/** Memory that a batch keeps as long as nothing larger comes, bytes. */
const LEAST = 64 * 1024;
/** Room for the line before a string, and the ends of both, bytes. */
const HEAD_BYTES = 24;
/** Units of a text that is written one by one: beyond, a call of the runtime costs less. */
const SHORT = 48;
const [ARRAY, BULK, ZERO, CR, LF] = [0x2a, 0x24, 0x30, 0x0d, 0x0a];

/** Commands that are written together. */
export class Batch {
  #buf = Buffer.allocUnsafeSlow(LEAST);
  #length = 0;

  /** Adds a command with the arguments of all `parts`. Answers its size, bytes. */
  add(name: string, parts: readonly (readonly Arg[])[]): number {
    const begun = this.#length;
    let count = 1;
    for (const args of parts) count += args.length;
    this.#reserve(HEAD_BYTES);
    this.#head(ARRAY, count);
    this.#put(name);
    for (const args of parts) for (const arg of args) this.#put(arg);
    return this.#length - begun;
  }

  /** Adds an argument. No string is made for it, because there are some twenty for each message. */
  #put(arg: Arg): void {
    if (typeof arg !== 'string') {
      this.#reserve(HEAD_BYTES + arg.length);
      this.#head(BULK, arg.length);
      this.#buf.set(arg, this.#length);
      this.#end(arg.length);
    } else if (arg.length > SHORT || !this.#ascii(arg)) {
      const size = Buffer.byteLength(arg);
      this.#reserve(HEAD_BYTES + size);
      this.#head(BULK, size);
      this.#end(this.#buf.write(arg, this.#length, 'utf8'));
    }
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
