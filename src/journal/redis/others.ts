// journal: the deliveries in flight of the clients that have not opted in, as far as Redis has to know them.
import type { Delivery } from '../../delivery/record.ts';
import type { WallOf } from '../snapshot.ts';
import { Ledger, Place } from './ledger.ts';
import { otherText } from './told.ts';

export interface OthersDeps {
  readonly wallOf: WallOf;
  /** Shows every delivery in flight. */
  eachOpen(visit: (delivery: Delivery) => void): void;
}

export class Others {
  /** Their changes that wait. */
  readonly ledger = new Ledger();
  readonly #deps: OthersDeps;
  #filling = false;

  constructor(deps: OthersDeps) {
    this.#deps = deps;
  }

  /** Redis knows all of them. */
  get whole(): boolean {
    return !this.ledger.missing && !this.#filling;
  }

  /** Redis may have lost any of them. */
  startAnew(): void {
    this.ledger.missing = true;
    this.ledger.forget();
  }

  /** Notes a delivery as it is now. */
  set(delivery: Delivery): void {
    this.ledger.set(String(delivery.seq), otherText(delivery, this.#deps.wallOf));
  }

  /** Deliveries that Redis has to know. */
  all(): Delivery[] {
    const found: Delivery[] = [];
    this.#deps.eachOpen((delivery) => {
      if (this.#has(delivery)) found.push(delivery);
    });
    return found;
  }

  /** One of them as Redis holds it; undefined = it is over. */
  text(delivery: Delivery): string | undefined {
    return this.#has(delivery) ? otherText(delivery, this.#deps.wallOf) : undefined;
  }

  /** Says whether they are being written; changes are told as they come from then on. */
  fills(filling: boolean): void {
    this.ledger.missing = false;
    this.#filling = filling;
  }

  #has({ journal }: Delivery): boolean {
    return journal instanceof Place && journal.ledger === this.ledger;
  }
}
