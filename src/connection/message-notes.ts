// connection: notes every data message of a connection, both ways, for people who look later. Nothing depends on it.
import type { MessageWatch } from './parts.ts';

/** The notes of one connection. Without a watch they do nothing. */
export class MessageNotes {
  readonly #watch: MessageWatch | undefined;
  readonly #connection: number;
  /** Begins with the first message: many connections wait for theirs. */
  #line: object | undefined = undefined;

  /** `connection` is the number of the connection (`ConnectionFacts.seq`). */
  constructor(watch: MessageWatch | undefined, connection: number) {
    this.#watch = watch;
    this.#connection = connection;
  }

  /**
   * Notes a data message of the upstream. `delivery` is the number of its first delivery; 0 = none.
   */
  sent(isText: boolean, type: string | undefined, bytes: number, now: number, ordinal: number, delivery: number): void {
    if (this.#watch === undefined) return;
    this.#line ??= this.#watch.line(this.#connection);
    this.#watch.toClient(this.#line, isText, type, bytes, now, ordinal, delivery);
  }

  /** Notes what could be read of the latest message. */
  read(buf: Buffer, start: number, end: number): void {
    this.#watch?.payload(buf, start, end);
  }

  /** Notes a data message of the client. */
  heard(isText: boolean, bytes: number, now: number): void {
    if (this.#watch === undefined) return;
    this.#line ??= this.#watch.line(this.#connection);
    this.#watch.toUpstream(this.#line, isText, bytes, now);
  }

  /** Notes that the client's latest message was for us, and went no further. */
  consumed(): void {
    if (this.#line !== undefined) this.#watch?.consumed(this.#line);
  }
}
