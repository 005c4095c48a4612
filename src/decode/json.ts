// decode: one JSON object as bytes: its fields are found by paths, and only the wanted ones are parsed.
import { isPlainWhole, numberText } from './number.ts';
import { equalBytes, FOUND, type PathNode } from './paths.ts';
import { RepeatedTexts } from './repeated.ts';
import { NO_BYTES, STOP } from './scan.ts';
import { JsonWalk } from './walk.ts';

/**
 * Why a message has no fields. `not_object`: it starts like an array, a string, a number or a word.
 * The rest is not read.
 */
export type Unreadable = 'not_json' | 'not_object' | 'invalid_utf8';

/**
 * A value with more bytes than this between its quotes is no hit, so that no id or type makes
 * records grow.
 */
export const MAX_FIELD_BYTES = 1024;

const NUMBER = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/**
 * Reads one message at a time: call `read`, then ask for its fields. Strings that it returns are
 * copies.
 */
export class JsonMessage {
  /**
   * Whether a field that was asked for has a wrong escape or number: the message is `not_json`
   * after all.
   */
  broken = false;
  readonly #walk: JsonWalk;
  readonly #scanBytes: number;
  readonly #repeated = new RepeatedTexts();
  #buf: Buffer = NO_BYTES;

  /** Fields are looked for in the first `scanBytes` bytes of a message. */
  constructor(root: PathNode, scanBytes: number) {
    this.#walk = new JsonWalk(root);
    this.#scanBytes = scanBytes;
  }

  /**
   * Walks the message `buf[start, end)` of which `bytes` exist in all: '' = fields can be asked
   * for. When fewer bytes are here (or may be scanned) than exist, what was found in them counts,
   * and the rest is not judged. UTF-8 is checked over all walked bytes, after the walk.
   */
  read(buf: Buffer, start: number, end: number, bytes: number): Unreadable | '' {
    this.#buf = buf;
    this.broken = false;
    if (end > buf.length) end = buf.length;
    let limit = end;
    let whole = bytes <= end - start;
    if (limit - start > this.#scanBytes) {
      limit = start + this.#scanBytes;
      whole = false;
    }
    let p = start;
    while (p < limit && isBlank(buf[p]!)) p++;
    if (p >= limit) return 'not_json';
    if (buf[p] !== 0x7b) return startsValue(buf[p]!) ? 'not_object' : 'not_json';
    p = this.#walk.object(buf, p, limit);
    if (p === STOP.broken) return 'not_json';
    if (p === STOP.cut) {
      if (whole) return 'not_json';
    } else {
      while (p < limit && isBlank(buf[p]!)) p++;
      if (p < limit) return 'not_json';
    }
    return this.#walk.utf8(start, !whole) ? '' : 'invalid_utf8';
  }

  /**
   * The first of the paths that leads to a string that is neither empty nor too long, or, if
   * `numbers`, to a number.
   */
  first(paths: readonly PathNode[], numbers: boolean): PathNode | undefined {
    const walk = this.#walk.walk;
    for (let i = 0; i < paths.length; i++) {
      const node = paths[i]!;
      if (node.walk !== walk || node.found === FOUND.nothing || node.found === FOUND.other) continue;
      if (node.found === FOUND.number && !numbers) continue;
      const length = node.end - node.start;
      if (length > 0 && length <= MAX_FIELD_BYTES) return node;
    }
    return undefined;
  }

  /** What is at the path. */
  found(node: PathNode): number {
    return node.walk === this.#walk.walk ? node.found : FOUND.nothing;
  }

  /**
   * The string, or the one text of the number (`numberText`), at a path that has one; '' and
   * `broken` when it is not JSON.
   */
  text(node: PathNode): string {
    const buf = this.#buf;
    switch (node.found) {
      case FOUND.ascii:
        return buf.toString('latin1', node.start, node.end);
      case FOUND.utf8:
        return buf.toString('utf8', node.start, node.end);
      case FOUND.number: {
        const text = buf.toString('latin1', node.start, node.end);
        if (isPlainWhole(buf, node.start, node.end)) return text;
        if (NUMBER.test(text)) return numberText(text);
        break;
      }
      case FOUND.escaped:
        try {
          return JSON.parse(buf.toString('utf8', node.start - 1, node.end + 1));
        } catch {
          // The escape is wrong: `broken` tells it.
        }
        break;
    }
    this.broken = true;
    return '';
  }

  /** `text` of the first hit among the paths. */
  firstText(paths: readonly PathNode[], numbers: boolean): string | undefined {
    const node = this.first(paths, numbers);
    return node === undefined ? undefined : this.text(node);
  }

  /** `firstText` for values that many messages share. */
  firstRepeated(paths: readonly PathNode[], numbers: boolean): string | undefined {
    const node = this.first(paths, numbers);
    if (node === undefined) return undefined;
    return node.found === FOUND.ascii ? this.#repeated.text(this.#buf, node.start, node.end) : this.text(node);
  }

  /** Whether the path has exactly this string, given as UTF-8. */
  equals(node: PathNode, bytes: Buffer): boolean {
    switch (this.found(node)) {
      case FOUND.ascii:
      case FOUND.utf8:
        return equalBytes(bytes, this.#buf, node.start, node.end);
      case FOUND.escaped:
        return bytes.equals(Buffer.from(this.text(node), 'utf8'));
      default:
        return false;
    }
  }

  /** Releases the bytes. Paths must not be asked after that. */
  release(): void {
    this.#buf = NO_BYTES;
    this.#walk.release();
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

/** `[`, `"`, `-`, a digit, or the first letter of true, false, null. */
function startsValue(byte: number): boolean {
  return (
    byte === 0x5b ||
    byte === 0x22 ||
    byte === 0x2d ||
    (byte >= 0x30 && byte <= 0x39) ||
    byte === 0x74 ||
    byte === 0x66 ||
    byte === 0x6e
  );
}
