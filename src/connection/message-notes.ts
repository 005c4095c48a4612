// connection: notes every data message of one connection for people who look later, both ways. Nothing depends on it.
import type { MessageWatch } from './parts.ts';

/** The messages of one connection. Does nothing where nobody remembers them. */
export class MessageNotes {
  readonly #watch: MessageWatch | undefined;
  readonly #line: object;

  /** `connection` is the number of the connection (`ConnectionFacts.seq`). */
  constructor(watch: MessageWatch | undefined, connection: number) {
    this.#watch = watch;
    this.#line = watch?.line(connection) ?? this;
  }

  /** A data message of the upstream. `delivery` is the number of its first delivery; 0 = it has none. */
  sent(isText: boolean, type: string | undefined, bytes: number, now: number, ordinal: number, delivery: number): void {
    this.#watch?.toClient(this.#line, isText, type, bytes, now, ordinal, delivery);
  }

  /** What could be read of the message that was noted last. */
  read(buf: Buffer, start: number, end: number): void {
    this.#watch?.payload(buf, start, end);
  }

  /** A data message of the client. */
  heard(isText: boolean, bytes: number, now: number): void {
    this.#watch?.toUpstream(this.#line, isText, bytes, now);
  }

  /** The client's last message was for us, and went no further. */
  consumed(): void {
    this.#watch?.consumed(this.#line);
  }
}
