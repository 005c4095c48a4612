// decode: the JSON objects inside a message that is not taken apart, wherever they begin in it (SPEC D13).
import { JsonScan } from './scan.ts';

/** Objects that are looked for in one message, and places where one only seemed to begin. */
const MOST_OBJECTS = 1024;
const MOST_FAILURES = 16;

const OPEN_OBJECT = 0x7b;

/** Finds objects, and judges their content no further than `JsonScan` does. */
export class InsideScan extends JsonScan {
  /**
   * Shows `visit` the place of each object of `buf[start, end)` that is in no other one. Answers
   * whether all were shown. `cut`: the message goes on behind `end`.
   */
  each(buf: Buffer, start: number, end: number, cut: boolean, visit: (start: number, end: number) => void): boolean {
    const bytes = buf.subarray(0, end);
    let [found, failures] = [0, 0];
    this.begin(bytes, end);
    let p = bytes.indexOf(OPEN_OBJECT, start);
    while (p >= 0 && found < MOST_OBJECTS && failures < MOST_FAILURES) {
      const after = this.skip(p, 0);
      if (after < 0) failures++;
      else {
        visit(p, after);
        found++;
      }
      p = bytes.indexOf(OPEN_OBJECT, after < 0 ? p + 1 : after);
    }
    this.release();
    return p < 0 && !(cut && found + failures > 0);
  }
}
