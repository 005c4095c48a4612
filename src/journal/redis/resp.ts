// journal: commands as Redis reads them (RESP): arrays of strings of bytes, several in one buffer.

export type Arg = string | Buffer;

/** Memory that a batch keeps as long as nothing larger comes, bytes. */
const LEAST = 64 * 1024;

/** Commands that are written together. */
export class Batch {
  #buf = Buffer.allocUnsafeSlow(LEAST);
  #length = 0;

  /** Adds a command. Answers its size, bytes. */
  add(name: string, args: readonly Arg[]): number {
    const begun = this.#length;
    let text = `*${args.length + 1}\r\n$${name.length}\r\n${name}\r\n`;
    for (const arg of args) {
      if (typeof arg === 'string') text += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`;
      else {
        this.#text(`${text}$${arg.length}\r\n`);
        this.#reserve(arg.length);
        this.#buf.set(arg, this.#length);
        this.#length += arg.length;
        text = '\r\n';
      }
    }
    this.#text(text);
    return this.#length - begun;
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

  #text(text: string): void {
    // UTF-8 takes at most three bytes for a UTF-16 unit.
    this.#reserve(text.length * 3);
    this.#length += this.#buf.write(text, this.#length, 'utf8');
  }

  #reserve(size: number): void {
    const least = this.#length + size;
    if (least <= this.#buf.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(least, this.#buf.length * 2));
    this.#buf.copy(larger, 0, 0, this.#length);
    this.#buf = larger;
  }
}
