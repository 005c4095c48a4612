// decode: ONE pass over a JSON document's bytes that notes where the wanted values are. No strings, no throw.
//
// How strict it is. Objects and arrays that a path leads into are checked in full structure (keys,
// colons, commas, closers, and nothing but white space after the document); control characters are
// refused in their keys and in wanted strings. Everything else is skipped: in skipped containers
// brackets must balance, match (64 containers deep, beyond that they are counted) and follow no
// comma, and outside strings only bytes that JSON uses may occur; of skipped strings the closing
// quote is looked for, and a control character refused where it is met on the way (a long string is
// not looked at in full); skipped numbers are any run of the characters of numbers. NaN, Infinity
// and -Infinity are values, because clients that are no browsers read them; they are never a field.
// Duplicate keys: the last wins, as in JSON.parse. A walk that is cut by the end of what may be
// read keeps what it found.
import { isUtf8 } from 'node:buffer';
import { FOUND, type PathNode } from './paths.ts';
import { BACKSLASH, COLON, COMMA, JsonScan, MAX_DEPTH, NO_BYTES, plainRun, QUOTE, STOP } from './scan.ts';

/** Walks are numbered within V8's small integers on every build. */
const LAST_WALK = 0x3fffffff;

const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

/**
 * Walks one document after another over one tree of paths, which it owns. A class for its fixed
 * shape.
 */
export class JsonWalk extends JsonScan {
  /** The number of this walk. A path node with another number holds nothing of this document. */
  walk = 0;
  readonly #root: PathNode;
  /** The last key that was not plain ASCII, decoded. */
  #odd: Buffer = NO_BYTES;

  constructor(root: PathNode) {
    super();
    this.#root = root;
  }

  /**
   * Walks the object whose `{` is at `at`, reading nothing at or after `limit`: the offset behind
   * its `}`, or a STOP.
   */
  object(buf: Buffer, at: number, limit: number): number {
    this.begin(buf, limit);
    if (++this.walk > LAST_WALK) {
      this.walk = 1;
      for (const node of this.#root.below) node.walk = 0;
    }
    return this.#members(this.#root, at + 1, 1);
  }

  /**
   * Whether the bytes from `start` that were walked are UTF-8; a character cut off by the end of a
   * walk that was `cut` is forgiven.
   */
  utf8(start: number, cut: boolean): boolean {
    if ((this.bits & 0x80) === 0) return true;
    let end = this.limit;
    if (cut) {
      const first = Math.max(start, end - 3);
      let lead = end - 1;
      while (lead >= first && (this.buf[lead]! & 0xc0) === 0x80) lead--;
      if (lead >= first && this.buf[lead]! >= 0xc0) end = lead;
    }
    return isUtf8(this.buf.subarray(start, end));
  }

  /** Behind `{` of an object that a path leads into. */
  #members(node: PathNode, p: number, depth: number): number {
    const { buf, limit } = this;
    p = this.blank(p);
    if (p < limit && buf[p] === CLOSE_OBJECT) return p + 1;
    for (;;) {
      if (p >= limit) return STOP.cut;
      if (buf[p] !== QUOTE) return STOP.broken;
      const key = p + 1;
      let child: PathNode | undefined;
      p = plainRun(buf, key, limit);
      if (p < limit && buf[p] === QUOTE) child = node.child(buf, key, p++);
      else {
        p = this.#oddKey(key, p);
        if (p < 0) return p;
        child = node.child(this.#odd, 0, this.#odd.length);
      }
      if (p < limit && buf[p] !== COLON) p = this.blank(p);
      if (p >= limit) return STOP.cut;
      if (buf[p] !== COLON) return STOP.broken;
      p++;
      if (p < limit && buf[p]! <= 0x20) p = this.blank(p);
      p = child === undefined ? this.skip(p, depth) : this.#value(child, p, depth);
      if (p < 0) return p;
      if (p < limit && buf[p]! <= 0x20) p = this.blank(p);
      if (p >= limit) return STOP.cut;
      if (buf[p] !== COMMA) return buf[p] === CLOSE_OBJECT ? p + 1 : STOP.broken;
      p++;
      if (p < limit && buf[p]! <= 0x20) p = this.blank(p);
    }
  }

  /** Behind `[` of an array that a path leads into. */
  #elements(node: PathNode, p: number, depth: number): number {
    const { buf, limit } = this;
    p = this.blank(p);
    if (p < limit && buf[p] === CLOSE_ARRAY) return p + 1;
    for (let index = 0; ; index++) {
      const child = index <= node.lastItem ? node.items?.get(index) : undefined;
      p = child === undefined ? this.skip(p, depth) : this.#value(child, p, depth);
      if (p < 0) return p;
      p = this.blank(p);
      if (p >= limit) return STOP.cut;
      if (buf[p] === CLOSE_ARRAY) return p + 1;
      if (buf[p] !== COMMA) return STOP.broken;
      p = this.blank(p + 1);
    }
  }

  /** A value that a path leads to or through. */
  #value(node: PathNode, p: number, depth: number): number {
    const { buf, limit, walk } = this;
    if (p >= limit) return STOP.cut;
    if (node.walk === walk) {
      for (const lower of node.below) lower.found = FOUND.nothing;
    }
    node.walk = walk;
    node.found = FOUND.nothing;
    const byte = buf[p]!;
    if (byte === QUOTE) return node.wanted ? this.#text(node, p + 1) : this.skip(p, depth);
    if (byte === OPEN_OBJECT && node.children.length > 0) {
      node.found = FOUND.other;
      return depth >= MAX_DEPTH ? this.skip(p, depth) : this.#members(node, p + 1, depth + 1);
    }
    if (byte === OPEN_ARRAY && node.lastItem >= 0) {
      node.found = FOUND.other;
      return depth >= MAX_DEPTH ? this.skip(p, depth) : this.#elements(node, p + 1, depth + 1);
    }
    const after = this.skip(p, depth);
    if (after < 0) return after;
    node.start = p;
    node.end = after;
    if (byte === 0x2d ? buf[p + 1] !== 0x49 : byte >= 0x30 && byte <= 0x39) node.found = FOUND.number;
    else if (byte !== 0x6e) node.found = FOUND.other;
    return after;
  }

  /** A wanted string, from behind its opening quote. */
  #text(node: PathNode, start: number): number {
    const { buf, limit } = this;
    let bits = 0;
    let escaped = false;
    let p = start;
    for (;;) {
      p = plainRun(buf, p, limit);
      if (p >= limit) return STOP.cut;
      const byte = buf[p]!;
      if (byte === QUOTE) break;
      if (byte < 0x20) return STOP.broken;
      if (byte === BACKSLASH) {
        escaped = true;
        p++;
        // A byte that is not ASCII makes no escape; the text is then refused when it is asked for.
        if (p < limit) bits |= buf[p]!;
      } else bits |= byte;
      p++;
    }
    this.bits |= bits;
    node.start = start;
    node.end = p;
    node.found = escaped ? FOUND.escaped : (bits & 0x80) === 0 ? FOUND.ascii : FOUND.utf8;
    return p + 1;
  }

  /**
   * A key from `start` with something special in it at `p`: the offset behind its closing quote;
   * `odd` is what it spells.
   */
  #oddKey(start: number, p: number): number {
    p = this.closingQuote(p);
    if (p < 0) return p;
    try {
      this.#odd = Buffer.from(JSON.parse(this.buf.toString('utf8', start - 1, p)), 'utf8');
      return p;
    } catch {
      // A wrong escape or a control character: not JSON.
      return STOP.broken;
    }
  }
}
