// journal: what waits to be written to Redis, for one session or for the deliveries of all other clients.
import type { Delivery } from '../../delivery/record.ts';
import type { Session } from '../../delivery/session.ts';
import type { Tokens } from '../snapshot.ts';
import type { Pairs } from './fields.ts';
import type { Arg } from './link.ts';
import type { Over } from './one-way.ts';

/** Changes of one hash that wait for the next hand-over. */
export class Ledger {
  readonly sets = new Map<string, Arg>();
  readonly gone = new Set<string>();
  /** Redis has not got all of it: changes are of no use before it has been written whole. */
  missing = true;

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

  /**
   * Takes the changes as arguments behind those: the number of pairs, the pairs, the fields to
   * remove.
   */
  takeBehind(args: Arg[]): Arg[] {
    const { sets, gone } = this;
    args.push(String(sets.size));
    for (const [field, value] of sets) args.push(field, value);
    for (const field of gone) args.push(field);
    // An empty one is left alone: clearing allocates.
    if (sets.size > 0) sets.clear();
    if (gone.size > 0) gone.clear();
    return args;
  }

  add(pairs: Pairs): void {
    for (let i = 0; i < pairs.length; i += 2) this.set(pairs[i] as string, pairs[i + 1]!);
  }

  forget(): void {
    this.sets.clear();
    this.gone.clear();
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
  /** What follows from the results of its commands. */
  over: Over | undefined;
  /** Deliveries that have been received, which is told on the beat if they are still open then. */
  readonly received = new Set<Delivery>();

  constructor(session: Session, boundTo: string | undefined, epoch = '1') {
    super();
    this.session = session;
    this.boundTo = boundTo;
    this.epoch = epoch;
  }

  override forget(): void {
    super.forget();
    this.received.clear();
  }
}

/** Where a delivery in flight is written down, and what was told of it beside its beginning. */
export class Place {
  readonly ledger: Ledger;
  message: boolean;
  state: boolean;

  /** Without `told` all of it may have been. */
  constructor(ledger: Ledger, told = true) {
    this.ledger = ledger;
    this.message = this.state = told;
  }
}
