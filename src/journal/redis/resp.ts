// journal: commands as Redis reads them (RESP): arrays of strings of bytes, several in one buffer.

export type Arg = string | Buffer;

/** Commands that are written together. */
export class Batch {
  #text = '';
  #parts: Buffer[] = [];

  /** Adds a command. Answers its size, bytes; a character counts as one. */
  add(name: string, args: readonly Arg[]): number {
    let text = `*${args.length + 1}\r\n$${name.length}\r\n${name}\r\n`;
    let bytes = 0;
    for (const arg of args) {
      if (typeof arg === 'string') text += `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`;
      else {
        this.#parts.push(Buffer.from(`${this.#text}${text}$${arg.length}\r\n`), arg);
        bytes += text.length + arg.length;
        this.#text = '';
        text = '\r\n';
      }
    }
    this.#text += text;
    return bytes + text.length;
  }

  /**
   * Takes the bytes of all commands. They are a copy: what the arguments were made of may be used
   * again.
   */
  take(): Buffer {
    const [text, parts] = [this.#text, this.#parts];
    this.#text = '';
    if (parts.length === 0) return Buffer.from(text);
    this.#parts = [];
    parts.push(Buffer.from(text));
    return Buffer.concat(parts);
  }
}
