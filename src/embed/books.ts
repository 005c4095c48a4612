// embed: the events of each user, so that a question about one user costs no more than that user's events.
import type { Delivery } from '../delivery/record.ts';
import { Owner } from '../delivery/session.ts';

/** The events of one user, in flight or recent. `undefined` as a user stands for no user. */
class Book {
  /** The core's owner, for the limit per user. */
  readonly owner: Owner;
  /** Events in flight, oldest first. */
  readonly open = new Set<Delivery>();
  /** Events by id. One id may be tracked several times: then oldest first. */
  readonly byId = new Map<string, Delivery | Set<Delivery>>();

  constructor(owner: Owner) {
    this.owner = owner;
  }
}

/** As large as the events in flight and in the history, whatever users come and go. */
export class Books {
  readonly #books = new Map<string | undefined, Book>();

  /** The owner that a new event counts against. Events without a user have one owner each. */
  ownerOf(user: string | undefined): Owner {
    return (user === undefined ? undefined : this.#books.get(user)?.owner) ?? new Owner(user);
  }

  tracked(delivery: Delivery): void {
    // A step may still hold the record when what hears of that step tracks the next event.
    delivery.kept = true;
    const book = this.#bookOf(delivery);
    book.open.add(delivery);
    const id = delivery.eventId as string;
    const copies = book.byId.get(id);
    if (copies === undefined) book.byId.set(id, delivery);
    else if (copies instanceof Set) copies.add(delivery);
    else book.byId.set(id, new Set([copies, delivery]));
  }

  settled(delivery: Delivery): void {
    this.#books.get(delivery.session.user)?.open.delete(delivery);
  }

  /** Forgets an event that has left the history. */
  left(delivery: Delivery): void {
    const { user } = delivery.session;
    const book = this.#books.get(user);
    const id = delivery.eventId as string;
    const copies = book?.byId.get(id);
    if (book === undefined || copies === undefined) return;
    if (copies instanceof Set && copies.delete(delivery) && copies.size > 0) return;
    book.byId.delete(id);
    if (book.byId.size === 0) this.#books.delete(user);
  }

  /** Events in flight to that user, newest first. */
  open(user: string | undefined): Delivery[] {
    return [...(this.#books.get(user)?.open ?? [])].reverse();
  }

  /** Events of that id to that user, in flight or recent, newest first. */
  of(user: string | undefined, id: string): Delivery[] {
    const copies = this.#books.get(user)?.byId.get(id);
    if (copies === undefined) return [];
    return copies instanceof Set ? [...copies].reverse() : [copies];
  }

  #bookOf({ session: { user, owner } }: Delivery): Book {
    let book = this.#books.get(user);
    if (book === undefined) {
      book = new Book(owner);
      this.#books.set(user, book);
    }
    return book;
  }
}
