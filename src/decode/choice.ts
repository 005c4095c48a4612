// decode: chooses the protocol of a connection: by path and subprotocol, else by its first messages, else the last one.
import type { EventFacts } from '../delivery/record.ts';
import type { Confirmation } from './confirmation.ts';
import { type FirstBytes, joinedFirstBytes } from './first-bytes.ts';
import type { MessageReader, Upgrade, WireProtocol } from './protocol.ts';

/** Text messages, of both sides together, in which a connection may show what it speaks. */
export const FIRST_MESSAGES = 8;

/**
 * Chooses a protocol for each connection: the first that answers `yes`, by the upgrade, else by one
 * of the first messages. The last protocol reads what no other claims. Until the choice is made,
 * its reader reads. A chosen reader has not seen earlier messages.
 */
export function createChoice(
  protocols: readonly [WireProtocol, ...WireProtocol[]],
): (upgrade: Upgrade) => MessageReader {
  const last = protocols[protocols.length - 1]!;
  return (upgrade) => {
    const candidates: WireProtocol[] = [];
    for (const protocol of protocols) {
      const match = protocol.matchesUpgrade(upgrade);
      if (match === 'yes') return protocol.open();
      if (match === 'maybe' && protocol !== last) candidates.push(protocol);
    }
    return candidates.length === 0 ? last.open() : new UndecidedReader(candidates, last);
  };
}

/** Reads for a connection whose protocol is to be told from its first messages. */
class UndecidedReader implements MessageReader {
  begins: FirstBytes;
  #reader: MessageReader;
  #candidates: readonly WireProtocol[];
  #left = FIRST_MESSAGES;

  constructor(candidates: readonly WireProtocol[], last: WireProtocol) {
    this.#candidates = candidates;
    this.#reader = last.open();
    this.begins = this.#wanted();
  }

  get leftOut(): readonly string[] {
    return this.#reader.leftOut;
  }

  get mayHide(): boolean {
    return this.#reader.mayHide === true;
  }

  get more(): boolean {
    return this.#reader.more;
  }

  get readsBinary(): boolean {
    return this.#reader.readsBinary === true;
  }

  event(
    buf: Buffer,
    start: number,
    end: number,
    bytes?: number,
    split?: boolean,
    binary?: boolean,
  ): EventFacts | undefined {
    if (binary !== true) this.#decide('upstream', buf, start, end);
    return this.#reader.event(buf, start, end, bytes, split, binary);
  }

  next(): EventFacts | undefined {
    return this.#reader.next();
  }

  confirmation(buf: Buffer, start: number, end: number, binary?: boolean): Confirmation | undefined {
    if (binary !== true) this.#decide('client', buf, start, end);
    return this.#reader.confirmation(buf, start, end, binary);
  }

  #decide(from: 'client' | 'upstream', buf: Buffer, start: number, end: number): void {
    if (this.#candidates.length === 0) return;
    const still: WireProtocol[] = [];
    for (const protocol of this.#candidates) {
      const match = protocol.matchesMessage(from, buf, start, end);
      if (match === 'yes') {
        this.#reader = protocol.open();
        this.#settle([]);
        return;
      }
      if (match === 'maybe') still.push(protocol);
    }
    this.#left--;
    this.#settle(this.#left === 0 ? [] : still);
  }

  #settle(candidates: readonly WireProtocol[]): void {
    if (candidates.length === this.#candidates.length) return;
    this.#candidates = candidates;
    this.begins = this.#wanted();
  }

  #wanted(): FirstBytes {
    if (this.#candidates.length === 0) return this.#reader.begins;
    return joinedFirstBytes([this.#reader.begins, ...this.#candidates.map(({ begins }) => begins)]);
  }
}
