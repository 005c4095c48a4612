// delivery: a session as the core sees it: its owner, its capability, and its deliveries in flight, in order.
import type { EarlyConfirmation } from './early.ts';
import type { Gap } from './gaps.ts';
import type { Goodbye } from './goodbye.ts';
import type { Link } from './ports.ts';
import { DeliveryQueue } from './queue.ts';
import type { Delivery } from './record.ts';
import type { Capability } from './words.ts';

/** Number of owners so far: one per user, and one for each session without a user. */
let owners = 0;
let sessions = 0;

export class Owner {
  /** Unique in this process. */
  readonly seq = ++owners;
  /**
   * Stands for the owner beside event ids that left the history. All owners of one user, one after
   * the other, have one mark: a user's client may confirm over a new connection what it got over an
   * earlier one. Different users seldom share a mark, and then evidence is only missed.
   */
  readonly mark: number;
  /** The user id; undefined when the user is not known. Never a metric label. */
  readonly user: string | undefined;
  pending = 0;
  /**
   * An earlier process sent it events of which the books hold nothing: a word on any event may mean
   * one of those (D13).
   */
  restored = false;
  /** Bytes of payload kept for replays. */
  retained = 0;
  constructor(user: string | undefined) {
    this.user = user;
    this.mark = user === undefined ? this.seq : markOfUser(user);
  }
}

const NO_GAPS: readonly Gap[] = [];

/** FNV-1a over UTF-16 units, negative where `seq` is positive. */
function markOfUser(user: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < user.length; i++) hash = Math.imul(hash ^ user.charCodeAt(i), 0x01000193);
  return hash | 0x80000000;
}

/**
 * Mutated by the tracker only, except `link`, `goodbye`, `lastOrdinal`, `undecoded` and
 * `claimedUser`: the connection sets these.
 */
export class Session {
  /** Order of beginning, unique in this process. */
  readonly seq = ++sessions;
  /** Unique in this process. */
  readonly key: string;
  /**
   * The owner that the session's deliveries count against. May change once, from an owner without a
   * user to one with a user.
   */
  owner: Owner;
  /**
   * The owner that the session had until an event named its user. Event ids may be remembered under
   * it (D13).
   */
  formerOwner: Owner | undefined = undefined;
  /**
   * The user that the client claims to be, without proof: shown and searched for, and never an
   * owner (D19).
   */
  claimedUser: string | undefined = undefined;
  /** The upgrade request's traceparent, or ''. */
  readonly traceparent: string;
  /**
   * Monotonic ms. What other sessions were sent before may have reached the same client (D13).
   * Infinity = not known, so everything may have.
   */
  readonly began: number;
  /** The client connection that carries the session now; undefined while disconnected. */
  link: Link | undefined = undefined;
  /** The parting from its client, where that was by a Close frame and the client is not back. */
  goodbye: Goodbye | undefined = undefined;
  /** Whether deliveries outlive the connection. */
  resumable = false;
  /**
   * Whether the client speaks the opt-in protocol: it confirms everything, drops duplicates, and
   * may be sent frames of ours.
   */
  optedIn = false;
  /** Ordinal of the latest message. The connection sets it. */
  lastOrdinal = 0;
  /** Bytes of payload kept for replays. */
  retained = 0;
  capability: Capability = 'none';
  /**
   * Indexes of event types whose confirmations are expected soon, because the last one came. Saves
   * barriers, decides nothing.
   */
  processedTypes: Set<number> | undefined = undefined;
  /** Highest ordinal proven received by a barrier. */
  receivedThrough = 0;
  /**
   * Whether the client may have got a message that could not be read as a whole: a confirmation may
   * mean that message (D13).
   */
  obscured = false;
  /**
   * Whether an event that is sent from here on may be a copy of such a message, so that a
   * confirmation of it may mean that message (D13).
   */
  mayRepeat = false;
  /** Under which limit the client first got a message that was too long to be read; 0 = none. */
  tooLong = 0;
  /** Times in which no process had the session, in order. */
  gaps: readonly Gap[] = NO_GAPS;
  /**
   * Number of relayed messages whose content is not decoded yet (compressed ones are read on the
   * side).
   */
  undecoded = 0;
  early: EarlyConfirmation[] | undefined = undefined;
  /**
   * Deliveries that ended without evidence while the connection stays open. Evidence for them is
   * late. Bounded.
   */
  lapsed: Delivery[] | undefined = undefined;
  /**
   * Deliveries in flight of an opted-in session, by ordinal, because its client confirms by
   * ordinal.
   */
  open: Map<number, Delivery> | undefined = undefined;
  /**
   * Deliveries in flight that a client missed that came back, and that were not kept. No evidence
   * by ordinal can be about them (R6).
   */
  missed: DeliveryQueue | undefined = undefined;
  /** Deliveries in flight without evidence, by ordinal. */
  readonly awaitingReceived = new DeliveryQueue('received');
  /** Deliveries in flight that were received and wait for the application, by ordinal. */
  readonly awaitingProcessed = new DeliveryQueue('processed');

  constructor(key: string, owner: Owner, traceparent = '', began = Number.POSITIVE_INFINITY) {
    this.key = key;
    this.owner = owner;
    this.traceparent = traceparent;
    this.began = began;
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

  /** Everything in flight. */
  inFlight(): Delivery[] {
    const all: Delivery[] = [];
    for (const queue of [this.awaitingReceived, this.awaitingProcessed, this.missed])
      for (let each = queue?.head; each !== undefined; each = each.next) all.push(each);
    return all;
  }

  get pending(): number {
    return this.awaitingReceived.size + this.awaitingProcessed.size + (this.missed?.size ?? 0);
  }
}
