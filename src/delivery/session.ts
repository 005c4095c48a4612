// delivery: a session as the core sees it: who it belongs to, what it has shown it can confirm, and its deliveries in flight, in order.
import type { Link } from './ports.ts';
import { DeliveryQueue } from './queue.ts';
import type { Delivery } from './record.ts';
import type { Capability } from './words.ts';

/** Who a session counts against: one per user; a session without a user has one of its own. */
let owners = 0;
let sessions = 0;

export class Owner {
  /** Unique in this process. */
  readonly seq = ++owners;
  /** The user id; undefined when nobody is known. Never a metric label. */
  readonly user: string | undefined;
  pending = 0;
  /** An earlier process sent it events of which the books hold nothing: a word on any event may mean one of those (D13). */
  restored = false;
  /** Bytes of payload kept for replays. */
  retained = 0;
  constructor(user: string | undefined) {
    this.user = user;
  }
}

/** A confirmation that came before the record of its event (D3); waits until nothing is left to decode. */
export interface EarlyConfirmation {
  readonly eventId: string;
  readonly rejected: boolean;
  readonly error: string;
}

/** Mutated by the tracker only, except `link`, `lastOrdinal`, `obscured`, `undecoded` and `claimedUser`: those belong to the connection. */
export class Session {
  /** Order of beginning, unique in this process. */
  readonly seq = ++sessions;
  /** Unique in this process. */
  readonly key: string;
  /** May change once, from nobody to a user. */
  owner: Owner;
  /** Who the client says it is, without proof: shown and searched for, and never an owner (D19). */
  claimedUser: string | undefined = undefined;
  /** The upgrade request's traceparent, or ''. */
  readonly traceparent: string;
  /** The client connection that carries the session now; undefined while disconnected. */
  link: Link | undefined = undefined;
  /** Whether deliveries outlive the connection. */
  resumable = false;
  /** The client speaks the opt-in protocol: it confirms everything, drops duplicates, and may be sent frames of ours. */
  optedIn = false;
  /** Ordinal of the latest message; belongs to whoever runs the connection. */
  lastOrdinal = 0;
  /** Bytes of payload kept for replays. */
  retained = 0;
  capability: Capability = 'none';
  /** Indexes of event types of which the application is expected to speak soon: it did the last time. Saves barriers, decides nothing. */
  processedTypes: Set<number> | undefined = undefined;
  /** Highest ordinal proven received by a barrier. */
  receivedThrough = 0;
  /** A message went by of which not all could be read: a word that names an unknown id may mean that one (D13). */
  obscured = false;
  /** Messages relayed whose content is not decoded yet (compressed ones are read on the side). */
  undecoded = 0;
  early: EarlyConfirmation[] | undefined = undefined;
  /** Deliveries that ended without evidence while the connection stays open: evidence for them is late. Bounded. */
  lapsed: Delivery[] | undefined = undefined;
  /** Of an opted-in session: what is in flight, by ordinal, because its client confirms by ordinal. */
  open: Map<number, Delivery> | undefined = undefined;
  /** In flight, missed by a client that came back, and not kept: no evidence by ordinal can be about them (R6). */
  missed: DeliveryQueue | undefined = undefined;
  /** In flight, without evidence yet, by ordinal. */
  readonly awaitingReceived = new DeliveryQueue('received');
  /** In flight, received, waiting for the application, by ordinal. */
  readonly awaitingProcessed = new DeliveryQueue('processed');

  constructor(key: string, owner: Owner, traceparent = '') {
    this.key = key;
    this.owner = owner;
    this.traceparent = traceparent;
  }

  get user(): string | undefined {
    return this.owner.user;
  }

  /** Makes a delivery findable by its ordinal. */
  hold(delivery: Delivery): void {
    this.open ??= new Map();
    this.open.set(delivery.ordinal, delivery);
  }

  /** What is in flight above `last` and was not missed, by ordinal. */
  openAbove(last: number): Delivery[] {
    const open: Delivery[] = [];
    for (const queue of [this.awaitingReceived, this.awaitingProcessed])
      for (let each = queue.head; each !== undefined; each = each.next) if (each.ordinal > last) open.push(each);
    return open.sort((a, b) => a.ordinal - b.ordinal);
  }

  get pending(): number {
    return this.awaitingReceived.size + this.awaitingProcessed.size + (this.missed?.size ?? 0);
  }
}
