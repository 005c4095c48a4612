// journal: tells Redis what has to outlive the process: one command for each session that a turn has changed.
import type { Journal } from '../../delivery/journal.ts';
import type { Observer, Report } from '../../delivery/ports.ts';
import { type Delivery, isSettled } from '../../delivery/record.ts';
import type { Session } from '../../delivery/session.ts';
import type { SessionEntry } from '../entry.ts';
import { Later } from '../later.ts';
import type { LetterScribe } from '../letter-scribe.ts';
import { gapsEntry, goodbyeEntry, type WallOf } from '../snapshot.ts';
import { sessionPairs } from './fields.ts';
import { HandingOver } from './handing-over.ts';
import { type Ledger, Place, SessionLedger } from './ledger.ts';
import { Others } from './others.ts';
import type { Outbox } from './outbox.ts';
import { noteBegun, noteEnd, noteReceived, noteState } from './told.ts';
import type { Waiting } from './waiting.ts';

export interface RedisScribeDeps {
  readonly outbox: Outbox;
  readonly letters: Pick<LetterScribe, 'settled' | 'handOver'>;
  /** Time in flight after which a delivery of a client without opt-in is written, ms. */
  readonly afterMs: number;
  readonly wallOf: WallOf;
  /** Shows every delivery in flight. */
  eachOpen(visit: (delivery: Delivery) => void): void;
  readonly report: Report;
}

/** Sessions written whole between two beats. */
const SLICE = 100;

export class RedisScribe implements Journal {
  readonly steps: Observer;
  readonly #deps: RedisScribeDeps;
  readonly others: Others;
  readonly #sessions = new Map<Session, SessionLedger>();
  readonly #later = new Later();
  readonly #waiting: Waiting;
  readonly #handing: HandingOver;

  constructor(deps: RedisScribeDeps) {
    this.#deps = deps;
    this.others = new Others(deps);
    this.#handing = new HandingOver({ ...deps, isOwn: (ledger) => this.ledgerOf(ledger.session) === ledger });
    this.#waiting = this.#handing.waiting;
    const changed = (delivery: Delivery): void => this.#changed(delivery);
    this.steps = {
      attempted: changed,
      received: (delivery) => this.#received(delivery),
      changed,
      settled: (delivery) => this.#settled(delivery),
      handedOver: (delivery) => {
        delivery.journal = undefined;
      },
    };
  }

  /** Redis knows everything that must be known of what goes on. */
  get whole(): boolean {
    return this.#handing.missing.size === 0 && this.others.whole;
  }

  /** Sessions with changes that the kernel has not taken. */
  get held(): number {
    return this.#deps.outbox.full ? this.#waiting.size : 0;
  }

  ledgerOf(session: Session): SessionLedger | undefined {
    return this.#sessions.get(session);
  }

  ledgers(): Iterable<SessionLedger> {
    return this.#sessions.values();
  }

  opened(session: Session): void {
    const ledger = new SessionLedger(session, session.user);
    this.#sessions.set(session, ledger);
    this.#handing.missing.add(ledger);
    this.#waiting.add(ledger);
  }

  owned(session: Session): void {
    this.#change(session, { user: session.user });
  }

  tokens(session: Session, serial: number, used: number): void {
    const ledger = this.#sessions.get(session);
    if (ledger === undefined || (ledger.serial === serial && ledger.used === used)) return;
    Object.assign(ledger, { serial, used });
    this.#change(session, { serial, used });
  }

  heard(session: Session, heard: number): void {
    const ledger = this.#sessions.get(session);
    if (ledger === undefined) return;
    ledger.heard = heard;
    this.#change(session, { heard }, true);
    // Handed over before the client is told (R12), and at once with what its word has ended: an
    // instance that stands still from here on shows no outcome that Redis does not know.
    this.#handing.one(ledger);
  }

  shown(session: Session): void {
    this.#change(session, { capability: session.capability });
  }

  parted(session: Session): void {
    this.#change(session, { goodbye: goodbyeEntry(session, this.#deps.wallOf) });
  }

  counted(session: Session, ordinal: number): void {
    const ledger = this.#sessions.get(session);
    if (ledger === undefined) return;
    if (!ledger.missing) ledger.ordinal = ordinal;
    this.#waiting.add(ledger);
  }

  tracked(delivery: Delivery): void {
    const ledger = this.#sessions.get(delivery.session);
    if (ledger !== undefined) this.#begin(delivery, ledger);
    else if (delivery.payload !== undefined) this.#begin(delivery, this.others.ledger);
    else this.#later.add(delivery);
  }

  ended(session: Session): void {
    const ledger = this.#sessions.get(session);
    if (ledger === undefined) return;
    this.#sessions.delete(session);
    this.#handing.missing.delete(ledger);
    this.#waiting.remove(ledger);
    ledger.forget();
    this.#deps.outbox.end(ledger);
  }

  /** Whether Redis has been told all of the session: if not before, then now. */
  hasWhole(session: Session): boolean {
    const ledger = this.#sessions.get(session);
    if (ledger?.missing === true && this.#deps.outbox.open && !this.#deps.outbox.full) this.#handing.write(ledger);
    return ledger?.missing === false;
  }

  /** Another instance goes on with the session; `told` = Redis is to be told that it may. */
  left(session: Session, told: boolean): void {
    const ledger = this.#sessions.get(session);
    if (ledger === undefined) return;
    if (ledger.missing && this.#deps.outbox.open) this.#handing.write(ledger);
    noteReceived(ledger, this.#deps.wallOf);
    this.#deps.letters.handOver();
    if (this.#waiting.remove(ledger)) this.#handing.flush(ledger);
    this.#sessions.delete(session);
    this.#handing.missing.delete(ledger);
    if (told) this.#deps.outbox.release(ledger);
  }

  handOver(session?: Session): void {
    if (session === undefined) this.#handing.all();
    else this.#handing.one(this.#sessions.get(session) ?? this.others.ledger);
  }

  finish(): void {
    this.#handing.finish();
  }

  /** Takes over a session of another instance, as Redis has it. */
  restoredSession(session: Session, { boundTo, serial, used, heard }: SessionEntry, epoch: string): SessionLedger {
    const ledger = new SessionLedger(session, boundTo, epoch);
    Object.assign(ledger, { serial, used, heard, missing: false });
    this.#handing.missing.delete(this.#sessions.get(session) ?? ledger);
    this.#sessions.set(session, ledger);
    this.#deps.outbox.hold(session);
    if (session.gaps.length > 0) this.#change(session, { gaps: gapsEntry(session, this.#deps.wallOf) });
    return ledger;
  }

  /** Takes over a delivery of another instance, of a session that was taken over before. */
  restoredDelivery(delivery: Delivery): void {
    const ledger = this.#sessions.get(delivery.session);
    if (ledger !== undefined) delivery.journal = new Place(ledger, delivery.seq);
  }

  /** Does what is due by now (monotonic ms). */
  look(now: number): void {
    this.#later.drain(now - this.#deps.afterMs, (delivery) => this.#begin(delivery, this.others.ledger));
    let left = this.#deps.outbox.open ? SLICE : 0;
    for (const ledger of this.#handing.missing) if (left-- > 0 && !this.#deps.outbox.full) this.#handing.write(ledger);
    this.handOver();
  }

  /** Redis may have lost anything: all is written whole again, in slices. */
  startAnew(): void {
    for (const ledger of this.#sessions.values()) this.miss(ledger);
    this.others.startAnew();
  }

  /** Redis has not got all of the session. */
  miss(ledger: SessionLedger): void {
    this.#handing.miss(ledger);
  }

  #begin(delivery: Delivery, ledger: Ledger): void {
    if (isSettled(delivery)) return;
    const place = new Place(ledger, delivery.seq, false);
    delivery.journal = place;
    this.#waiting.add(ledger);
    if (ledger.missing) return;
    if (ledger instanceof SessionLedger) noteBegun(ledger, delivery, place, this.#deps.wallOf);
    else this.others.set(delivery);
  }

  /** Most are over a moment later, and a client that comes back elsewhere proves the rest again. */
  #received(delivery: Delivery): void {
    const { journal } = delivery;
    if (!(journal instanceof Place) || journal.ledger.missing) return;
    const { ledger } = journal;
    if (!(ledger instanceof SessionLedger)) this.#changed(delivery);
    else if (ledger.received.add(delivery).size === 1) this.#waiting.add(ledger, true);
  }

  #changed(delivery: Delivery): void {
    const { journal } = delivery;
    if (!(journal instanceof Place) || journal.ledger.missing) return;
    const { ledger } = journal;
    if (ledger instanceof SessionLedger) noteState(ledger, delivery, journal, this.#deps.wallOf);
    else this.others.set(delivery);
    this.#waiting.add(ledger);
  }

  #settled(delivery: Delivery): void {
    if (this.#deps.letters.settled(delivery)) this.#waiting.soon();
    const { journal, seq, status } = delivery;
    if (!(journal instanceof Place)) return;
    delivery.journal = undefined;
    const { ledger } = journal;
    if (ledger.missing) return;
    const own = ledger instanceof SessionLedger;
    if (own) noteEnd(ledger, delivery, journal);
    else ledger.remove(String(seq));
    // What shows the outcome hands over first, and the client would say its word again elsewhere.
    this.#waiting.add(ledger, own && status === 'confirmed');
  }

  #change(session: Session, changes: Partial<SessionEntry>, late = false): void {
    const ledger = this.#sessions.get(session);
    if (ledger === undefined) return;
    if (!ledger.missing) ledger.add(sessionPairs(changes));
    this.#waiting.add(ledger, late);
  }
}
