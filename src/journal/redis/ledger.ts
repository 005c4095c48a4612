// journal: what waits to be written to Redis, for one session or for the deliveries of all other clients.
import type { Delivery } from '../../delivery/record.ts';
import type { Session } from '../../delivery/session.ts';
import type { Tokens } from '../snapshot.ts';
import { DeliveryText } from './delivery-text.ts';
import { deliveryField, messageField, type Pairs, stateField } from './fields.ts';
import type { Arg } from './link.ts';
import type { Over } from './one-way.ts';
import type { Fixed } from './resp.ts';
import type { Line } from './waiting.ts';

/** Changes of one hash that wait for the next hand-over. */
export class Ledger {
  readonly sets = new Map<string, Arg>();
  readonly gone = new Set<string>();
  /** Redis has not got all of it: changes are of no use before it has been written whole. */
  missing = true;
  /** The line in which it waits, and its neighbours there. The links belong to the line. */
  line: Line | undefined = undefined;
  before: Ledger | undefined = undefined;
  behind: Ledger | undefined = undefined;

  get changed(): boolean {
    return this.sets.size + this.gone.size > 0;
  }

  set(field: string, value: Arg): void {
    this.gone.delete(field);
    this.sets.set(field, value);
  }

  remove(field: string): void {
    this.sets.delete(field);
    this.gone.add(field);
  }

  add(pairs: Pairs): void {
    for (let i = 0; i < pairs.length; i += 2) this.set(pairs[i] as string, pairs[i + 1]!);
  }

  /** Empty maps are left alone: clearing allocates. */
  forget(): void {
    if (this.sets.size > 0) this.sets.clear();
    if (this.gone.size > 0) this.gone.clear();
  }
}

/** The changes of a session, and what of it is not on its record. */
export class SessionLedger extends Ledger implements Tokens {
  readonly session: Session;
  readonly boundTo: string | undefined;
  /** Raised by whoever takes the session over: what is written with an older one is refused. */
  readonly epoch: string;
  serial = 0;
  used = 0;
  heard = 0;
  /** Ordinal of the latest message, where Redis has not been told; 0 = it has. */
  ordinal = 0;
  /** Beginning of the commands that tell its changes. */
  put: Fixed | undefined;
  /** What follows from the results of its commands. */
  over: Over | undefined;
  readonly texts: DeliveryText;
  /** Deliveries that have been received, which is told on the beat if they are still open then. */
  readonly received = new Set<Delivery>();
  /** Places with changes that wait. */
  readonly #places: Place[] = [];

  constructor(session: Session, boundTo: string | undefined, epoch = '1') {
    super();
    this.session = session;
    this.boundTo = boundTo;
    this.epoch = epoch;
    this.texts = new DeliveryText(session);
  }

  override get changed(): boolean {
    return this.#places.length > 0 || this.ordinal > 0 || super.changed;
  }

  /** Notes that a place has changes. */
  note(place: Place): void {
    if (place.at < 0) place.at = this.#places.push(place) - 1;
  }

  /** Forgets the changes of a place. */
  drop(place: Place): void {
    const { at } = place;
    if (at < 0) return;
    const last = this.#places.pop()!;
    if (last !== place) {
      this.#places[at] = last;
      last.at = at;
    }
    place.forget();
  }

  /** Takes the changes as arguments: the number of pairs, the pairs, the fields to remove. */
  take(): Arg[] {
    const args: Arg[] = [''];
    if (this.ordinal > 0) args.push('ordinal', String(this.ordinal));
    for (const [field, value] of this.sets) args.push(field, value);
    for (const place of this.#places) place.addPairs(args);
    args[0] = String((args.length - 1) / 2);
    for (const place of this.#places) place.addGone(args);
    this.#taken();
    return args;
  }

  override forget(): void {
    this.#taken();
    this.received.clear();
  }

  #taken(): void {
    super.forget();
    this.ordinal = 0;
    for (const place of this.#places) place.forget();
    this.#places.length = 0;
  }
}

/** Where a delivery in flight is written down: the changes that wait, and what was told of it. */
export class Place {
  readonly ledger: Ledger;
  readonly seq: number;
  /** Index among those of its ledger whose changes wait; -1 = none waits. */
  at = -1;
  /** Texts that wait; '' = none. */
  fixed = '';
  state = '';
  /** The message that waits. */
  message: Uint8Array | undefined = undefined;
  /** Whether the message is to be removed, and whether everything is. */
  messageGone = false;
  gone = false;
  /** Whether a message was told, and a state. */
  hasMessage: boolean;
  hasState: boolean;

  /** Without `told` all of it may have been. */
  constructor(ledger: Ledger, seq: number, told = true) {
    this.ledger = ledger;
    this.seq = seq;
    this.hasMessage = this.hasState = told;
  }

  /** Adds what is to be set. */
  addPairs(args: Arg[]): void {
    const { seq, fixed, state, message } = this;
    if (fixed !== '') args.push(deliveryField(seq), fixed);
    if (message !== undefined) args.push(messageField(seq), message);
    if (state !== '') args.push(stateField(seq), state);
  }

  /** Adds what is to be removed. */
  addGone(args: Arg[]): void {
    const { seq, gone } = this;
    if (gone) args.push(deliveryField(seq));
    if (this.messageGone || (gone && this.hasMessage)) args.push(messageField(seq));
    if (gone && this.hasState) args.push(stateField(seq));
  }

  /** Forgets what waits. */
  forget(): void {
    this.at = -1;
    this.fixed = this.state = '';
    this.message = undefined;
    this.messageGone = this.gone = false;
  }
}
