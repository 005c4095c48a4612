// embed: who was sent what, by user: so that a question about one user costs what that user has, however much the others have.
import type { Delivery } from '../delivery/record.ts';
import { Owner } from '../delivery/session.ts';

/** What one user was sent, in flight or recent. `undefined` as a user stands for nobody. */
class Book {
  /** What the core counts against the limit per user. */
  readonly owner: Owner;
  /** In flight, oldest first. */
  readonly open = new Set<Delivery>();
  /** By event id. One id may be tracked several times: then oldest first. */
  readonly byId = new Map<string, Delivery | Set<Delivery>>();

  constructor(owner: Owner) {
    this.owner = owner;
  }
}

/** As large as what is in flight and in the history, whatever users come and go. */
export class Books {
  readonly #books = new Map<string | undefined, Book>();

  /** Whom a new event counts against. Events of nobody are each their own. */
  ownerOf(user: string | undefined): Owner {
    return (user === undefined ? undefined : this.#books.get(user)?.owner) ?? new Owner(user);
  }

  tracked(delivery: Delivery): void {
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

  /** The history does not hold it any more. */
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

  /** In flight to that user, newest first. */
  open(user: string | undefined): Delivery[] {
    return [...(this.#books.get(user)?.open ?? [])].reverse();
  }

  /** Of that id to that user, in flight or recent, newest first. */
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
