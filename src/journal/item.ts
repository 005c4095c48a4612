// journal: what still holds, and in which file: a file goes when nothing in it does.

/** One file. */
export interface Segment {
  readonly number: number;
  readonly path: string;
  bytes: number;
  /** What still holds in it. */
  readonly items: Set<Item>;
}

/** Something whose latest whole record is in one of the files: the file must stay for it. */
export class Item {
  /** What that is; undefined while nobody has taken it over from an earlier process. */
  holder: object | undefined = undefined;
  /** Undefined = no file has it. */
  segment: Segment | undefined = undefined;
  /** Size of the record, bytes. */
  bytes = 0;
}

/** A file that an earlier process wrote, and what still holds in it. */
export interface OldSegment {
  readonly number: number;
  readonly bytes: number;
  readonly items: Iterable<Item>;
}
