// journal: the payload of a record: a value as JSON, then the bytes of a message. Reading trusts no byte.
import type { Gap } from '../delivery/gaps.ts';
import type { Goodbye } from '../delivery/goodbye.ts';
import type { Clocks, DeliveryEntry, DeliveryState, Entry, OutcomeEntry, SessionEntry } from './entry.ts';
import { FRAME_BYTES, seal } from './frame.ts';

/** Records that wait to be written together. */
export class Batch {
  /** Bytes of the records. */
  length = 0;
  #buf: Buffer;
  readonly #least: number;

  /** `least` is the memory that the batch keeps as long as nothing larger comes, bytes. */
  constructor(least = 64 * 1024) {
    this.#least = least;
    this.#buf = Buffer.allocUnsafeSlow(least);
  }

  /** The records, valid until the next call. */
  get bytes(): Buffer {
    return this.#buf.subarray(0, this.length);
  }

  /** Adds a record. Answers its size on disk, bytes. */
  add(value: object, message: Uint8Array | undefined, nonce: number): number {
    const json = JSON.stringify(value);
    const start = this.length;
    // UTF-8 takes at most three bytes for a UTF-16 unit.
    this.#reserve(start + FRAME_BYTES + 4 + json.length * 3 + (message?.length ?? 0));
    const buf = this.#buf;
    const text = start + FRAME_BYTES + 4;
    const size = buf.write(json, text, 'utf8');
    buf.writeUInt32LE(size, text - 4);
    let end = text + size;
    if (message !== undefined) {
      buf.set(message, end);
      end += message.length;
    }
    seal(buf, start, end, nonce);
    this.length = end;
    return end - start;
  }

  /** Removes all records. */
  reset(): void {
    this.length = 0;
    // Memory that one long message needed is not kept for ever.
    if (this.#buf.length > this.#least * 4) this.#buf = Buffer.allocUnsafeSlow(this.#least);
  }

  #reserve(size: number): void {
    if (size <= this.#buf.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(size, this.#buf.length * 2));
    this.#buf.copy(larger, 0, 0, this.length);
    this.#buf = larger;
  }
}

/**
 * The value and the message in `buf[start, end)`; undefined = that is no payload. The message is a
 * view into `buf`.
 */
export function readPayload(buf: Buffer, start: number, end: number): [value: unknown, message: Buffer] | undefined {
  const text = start + 4;
  if (text > end) return undefined;
  const stop = text + buf.readUInt32LE(start);
  if (stop > end) return undefined;
  try {
    return [JSON.parse(buf.toString('utf8', text, stop)), buf.subarray(stop, end)];
  } catch {
    // The checksum was right, so another program wrote this.
    return undefined;
  }
}

/** Members of an outcome that are left out when they have these values. */
const NOTHING_SPECIAL = { errorType: '', unverified: '', errorText: '', receivedAt: 0, attempts: 1 };

/** The entry as it is written, without members that say nothing. */
export function written(entry: Entry): object {
  if (entry.kind === 'tracked') {
    const { kind, delivery, state, message } = entry;
    const said = state.kept === (message !== undefined && message.length > 0);
    return said && isFresh(state) ? { kind, delivery } : { kind, delivery, state };
  }
  if (entry.kind !== 'settled') return entry;
  return { kind: 'settled', seq: entry.seq, outcome: special(entry.outcome) };
}

/** Each settled delivery comes here, so the members are looked at one by one. */
function special(outcome: OutcomeEntry): Fields {
  const { status, errorType, unverified, level, errorText, receivedAt, settledAt, attempts } = outcome;
  const said: { [name: string]: unknown } = { status };
  if (errorType !== NOTHING_SPECIAL.errorType) said.errorType = errorType;
  if (unverified !== NOTHING_SPECIAL.unverified) said.unverified = unverified;
  said.level = level;
  if (errorText !== NOTHING_SPECIAL.errorText) said.errorText = errorText;
  if (receivedAt !== NOTHING_SPECIAL.receivedAt) said.receivedAt = receivedAt;
  said.settledAt = settledAt;
  if (attempts !== NOTHING_SPECIAL.attempts) said.attempts = attempts;
  return said;
}

/**
 * Nothing has happened to the delivery but that its message may be kept, which the message says
 * itself.
 */
function isFresh({ receivedAt, attempts, word, errorText, missed, shownAs }: DeliveryState): boolean {
  const told = word !== '' || errorText !== '' || missed || shownAs !== undefined;
  return receivedAt === 0 && attempts.length === 0 && !told;
}

type Fields = Readonly<Record<string, unknown>>;

/** The entry of a payload; undefined = this version knows no such entry. */
export function readEntry(value: unknown, message: Buffer): Entry | undefined {
  if (!isFields(value)) return undefined;
  switch (value.kind) {
    case 'session':
      return isSession(value.session) ? { kind: 'session', session: value.session } : undefined;
    case 'changed':
      if (typeof value.key !== 'string' || !isFields(value.changes)) return undefined;
      return { kind: 'changed', key: value.key, changes: value.changes };
    case 'ended':
      return typeof value.key === 'string' ? { kind: 'ended', key: value.key } : undefined;
    case 'tracked': {
      const { delivery, state } = value;
      if (!isDelivery(delivery) || (state !== undefined && !isState(state))) return undefined;
      const kept = message.length > 0 || (state?.kept ?? false);
      const fresh = { receivedAt: 0, attempts: [], word: '', errorText: '', missed: false, kept } as const;
      return { kind: 'tracked', delivery, state: state ?? fresh, message: kept ? Buffer.from(message) : undefined };
    }
    case 'state':
      return isNumber(value.seq) && isState(value.state)
        ? { kind: 'state', seq: value.seq, state: value.state }
        : undefined;
    case 'settled': {
      if (!isNumber(value.seq) || !isFields(value.outcome)) return undefined;
      const outcome = { ...NOTHING_SPECIAL, level: '', ...value.outcome } as unknown as OutcomeEntry;
      return { kind: 'settled', seq: value.seq, outcome };
    }
    case 'reserved':
      if (!isNumber(value.through) || !isNumber(value.previous)) return undefined;
      return {
        kind: 'reserved',
        through: value.through,
        previous: value.previous,
        clocks: isClocks(value.clocks) ? value.clocks : undefined,
      };
    default:
      return undefined;
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isClocks(value: unknown): value is Clocks {
  return isFields(value) && [value.at, value.ahead, value.away].every(isNumber);
}

function isSession(value: unknown): value is SessionEntry {
  if (!isFields(value)) return false;
  const { key, ordinal, serial, used, heard } = value;
  return typeof key === 'string' && [ordinal, serial, used, heard].every(isNumber);
}

/** How a client was closed upon; undefined = it was not, or the value says something else. */
export function readGoodbye(value: unknown): Goodbye | undefined {
  if (!isFields(value)) return undefined;
  const { orderly, own, since, through } = value;
  if (!isNumber(since) || !isNumber(through)) return undefined;
  return { orderly: orderly === true, own: own === true, since, through };
}

export function readGaps(value: unknown): readonly Gap[] {
  if (!Array.isArray(value)) return [];
  return value.filter((one): one is Gap => isFields(one) && isNumber(one.until) && isNumber(one.ms) && one.ms >= 0);
}

export function isDelivery(value: unknown): value is DeliveryEntry {
  if (!isFields(value)) return false;
  const { seq, session, ordinal, type, bytes, sentAt } = value;
  return typeof session === 'string' && typeof type === 'string' && [seq, ordinal, bytes, sentAt].every(isNumber);
}

export function isState(value: unknown): value is DeliveryState {
  return isFields(value) && isNumber(value.receivedAt) && Array.isArray(value.attempts);
}
