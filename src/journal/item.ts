// journal: which records are still needed, and in which file they are: a file goes when none of its records is needed.

/** One file. */
export interface Segment {
  readonly number: number;
  readonly path: string;
  bytes: number;
  /** Sessions and deliveries whose latest whole record is in the file. */
  readonly items: Set<Item>;
}

/**
 * A session or a delivery whose latest whole record is in one of the files, which must stay for it.
 */
export class Item {
  /**
   * The session or delivery; undefined = it is of an earlier process, and nothing has taken it over
   * yet.
   */
  holder: object | undefined = undefined;
  /** The file with the record; undefined = none. */
  segment: Segment | undefined = undefined;
  /** Size of the record, bytes. */
  bytes = 0;
}

/** A file that an earlier process wrote. */
export interface OldSegment {
  readonly number: number;
  readonly bytes: number;
  readonly items: Iterable<Item>;
}
