// decode: several JSON objects in one message: in an array, in lines, or each ended by RS (RFC 7464, SignalR).
import { COMMA, JsonScan } from './scan.ts';

/** Objects of one message that are tracked one by one. A message of more is tracked as one. */
export const MAX_BATCH = 64;

const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
/** Record separator. */
const RS = 0x1e;

/**
 * Finds the place of each object of a message. Judges the content no further than `JsonScan` does.
 */
export class BatchScan extends JsonScan {
  /** Offsets of the objects found last. */
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  #tooMany = false;

  /**
   * Counts the objects of `buf[start, end)`. 0 = the message has none, or is one object that is not
   * ended by RS. -1 = more than `MAX_BATCH`.
   */
  split(buf: Buffer, start: number, end: number): number {
    this.starts.length = this.ends.length = 0;
    this.#tooMany = false;
    this.begin(buf, end);
    const p = this.blank(start);
    const fits = buf[p] === OPEN_ARRAY && p < end ? this.#array(p + 1) : this.#records(p);
    this.release();
    if (this.#tooMany) return -1;
    return fits ? this.starts.length : 0;
  }

  /** Reads behind `[`: objects, and nothing else. */
  #array(p: number): boolean {
    for (;;) {
      p = this.#object(this.blank(p));
      if (p < 0) return false;
      p = this.blank(p);
      if (p >= this.limit) return false;
      if (this.buf[p] === CLOSE_ARRAY) return this.blank(p + 1) >= this.limit;
      if (this.buf[p] !== COMMA) return false;
      p++;
    }
  }

  /** Reads objects with white space or RS between them. */
  #records(p: number): boolean {
    let separated = false;
    for (;;) {
      p = this.blank(p);
      while (p < this.limit && this.buf[p] === RS) {
        separated = true;
        p = this.blank(p + 1);
      }
      if (p >= this.limit) return this.starts.length > (separated ? 0 : 1);
      p = this.#object(p);
      if (p < 0) return false;
    }
  }

  /** The offset behind the object at `p`; -1 = there is no object, or one too many. */
  #object(p: number): number {
    if (p >= this.limit || this.buf[p] !== OPEN_OBJECT) return -1;
    this.#tooMany = this.starts.length === MAX_BATCH;
    if (this.#tooMany) return -1;
    const after = this.skip(p, 0);
    if (after < 0) return -1;
    this.starts.push(p);
    this.ends.push(after);
    return after;
  }
}

/** Whether a message with this first visible byte may hold several objects. */
export function startsBatch(first: number): boolean {
  return first === OPEN_OBJECT || first === OPEN_ARRAY || first === RS;
}
