// Simulation: one delivery before the judge: what its client knew and said, and whether that had reached the sidecar in time.

import { heardUntil } from './hearing.ts';
import type { Evidence, History, Link, Message, Told } from './history.ts';
import { TIE_MS } from './tie.ts';

/**
 * Length of a standstill, ms, below which it extends no deadline. A longer one may be seen up to
 * this much shorter.
 */
const SEEN_STANDSTILL_MS = 400;
const BLUR_MS = 110;
/** How long a delivery does not expire after a time in which its client was not read, ms. */
const BLIND_MS = 1000;

/**
 * A connection that parsed the message, and its number of parsed messages then, this one included.
 */
export interface Place {
  readonly link: Link;
  readonly through: number;
  readonly at: number;
}

export class Case {
  readonly history: History;
  readonly told: Told;
  readonly message: Message;
  readonly places: Place[] = [];
  /** The connection that the message came in for. */
  readonly own: Link | undefined;

  constructor(history: History, told: Told, message: Message) {
    this.history = history;
    this.told = told;
    this.message = message;
    this.own = history.links.find((link) => link.upstream === message.upstream);
    for (const link of history.links) {
      if (link.client !== message.client) continue;
      link.parsed.forEach(({ uid, at }, i) => {
        if (uid === message.uid) this.places.push({ link, through: i + 1, at });
      });
    }
  }

  get outcome(): string {
    const { status, errorType, unverified } = this.told;
    const why = errorType === '' ? unverified : errorType;
    return why === '' ? status : `${status} (${why})`;
  }

  /**
   * Bytes that the sidecar had read by `at` prove that a stack of the client had parsed the
   * message.
   */
  wasReceived(at: number): boolean {
    return this.places.some(
      ({ link, through, at: parsedAt }) =>
        link.evidence.some((one) => one.most >= through && read(one, at)) ||
        // SDK messages are about all connections of their session.
        (link.sdk && this.saidLater(parsedAt, at)),
    );
  }

  /** Whether pongs alone prove receipt by `at`, beyond doubt. */
  wasSurelyReceived(at: number): boolean {
    return this.places.some(({ link, through }) =>
      link.evidence.some((one) => one.kind === 'pong' && one.sure >= through && read(one, at)),
    );
  }

  /**
   * What the sidecar had just read when it settled the delivery: mostly what it mistook for proof.
   */
  cause(): string {
    const { settledAt } = this.told;
    const { client, eventId } = this.message;
    const causes: string[] = [];
    for (const link of this.history.links) {
      const whose = link.client === client ? 'its own client' : 'another client';
      for (const one of link.evidence) {
        if (one.readAt === 0 || Math.abs(one.readAt - settledAt) > 0.01) continue;
        if (one.kind !== 'word') causes.push(`${one.kind} of ${whose}`);
        else if (one.eventId === eventId) return `; just read: the word of ${whose} on its event`;
        else causes.unshift(`the word of ${whose} on another event`);
      }
    }
    return causes.length === 0 ? '; nothing had just been read' : `; just read: ${causes[0]}`;
  }

  /**
   * The SDK has told of the message's number, or of a later one, since a stack of its client had
   * the message.
   */
  private saidLater(parsedAt: number, at: number): boolean {
    const { client } = this.message;
    const { ordinal } = this.told;
    for (const link of this.history.links) {
      if (link.client !== client) continue;
      for (const one of link.evidence) {
        if ((one.kind !== 'sdk' && one.kind !== 'last') || one.sentAt < parsedAt || !read(one, at)) continue;
        if (Math.max(one.through ?? 0, one.n ?? 0, ...(one.also ?? [])) >= ordinal) return true;
      }
    }
    return false;
  }

  /** By `at` the sidecar had read the application's word on this message. */
  wasProcessed(at: number): boolean {
    if (this.handled(true, at)) return true;
    const { eventId } = this.message;
    if (eventId === undefined) return false;
    return this.wordsOf(eventId, false, at).some(
      ([link, word]) =>
        this.places.some((place) => place.link === link && place.at <= word.sentAt) ||
        (link !== this.own && this.wasReceived(at)),
    );
  }

  wasRejected(at: number): boolean {
    if (this.handled(false, at)) return true;
    const { eventId } = this.message;
    return eventId !== undefined && this.wordsOf(eventId, true, at).length > 0;
  }

  /** Why the outcome is wrong: the evidence that had arrived in time. */
  proofInTime(): string | undefined {
    const { told, history } = this;
    if (told.reemittedAt > 0) {
      const copy = history.deliveries.find(
        (one) =>
          this.isCopy(one) && one.settledAt > told.reemittedAt + TIE_MS && one.settledAt < told.settledAt - TIE_MS,
      );
      return copy === undefined ? undefined : 'the copy that the backend was asked for had been confirmed';
    }
    for (const { link, through, at } of this.places) {
      for (const one of link.evidence)
        if (this.proves(one, link, through, at) && this.counts(one, link))
          return `${name(one)} had arrived ${this.distance(one)}`;
    }
    return undefined;
  }

  /**
   * Another delivery of the event that was confirmed in place of this one, which the backend was
   * asked to emit again.
   */
  endedByCopy(): boolean {
    const { told, history } = this;
    return (
      told.reemittedAt > 0 &&
      history.deliveries.some((one) => this.isCopy(one) && Math.abs(one.settledAt - told.settledAt) < TIE_MS)
    );
  }

  /** A later copy of the event, to this session or to another one of its user (R6). */
  private isCopy(one: Told): boolean {
    const { told, own, history } = this;
    if (one.seq <= told.seq || one.eventId !== told.eventId) return false;
    if (one.status !== 'confirmed' && one.errorType !== 'rejected') return false;
    if (one.session === told.session) return true;
    const upstream = history.byUid.get(one.uid)?.upstream;
    const user = history.links.find((link) => link.upstream === upstream)?.user;
    return user !== undefined && user === own?.user;
  }

  private distance(one: Evidence): string {
    const ms = this.told.settledAt - one.arrivedAt;
    return ms >= 0 ? ago(ms) : `${ago(-ms).replace('before', 'after')}, and should have been awaited`;
  }

  private proves(one: Evidence, link: Link, through: number, parsedAt: number): boolean {
    const { told, message } = this;
    if (one.moot === true) return false;
    if (message.confirm === 'received') return one.sure >= through && (one.kind !== 'word' || this.isKnown(one, link));
    if (one.sentAt < parsedAt) return false;
    if (one.kind === 'sdk') {
      if (one.n !== undefined) return false;
      const covered = (one.through ?? 0) >= told.ordinal || one.also?.includes(told.ordinal) === true;
      return covered && this.history.handled.some((h) => h.uid === message.uid && h.ok && h.at <= one.sentAt);
    }
    if (one.kind !== 'word' || one.rejected === true || one.eventId !== message.eventId) return false;
    const oldest = link.parsed.find(({ uid }) => this.history.byUid.get(uid)?.eventId === message.eventId);
    return (
      (oldest?.uid === message.uid && this.isKnown(one, link)) ||
      // A newer delivery is meant too if its receipt was proven before the confirmation came (D13).
      link.evidence
        .slice(0, link.evidence.indexOf(one))
        .some((e) => e.sure >= through && (e.kind !== 'word' || this.isKnown(e, link)) && this.counts(e, link))
    );
  }

  /**
   * Whether the sidecar has an open delivery of the event that the confirmation is about, and so
   * knows its place in the stream, and the confirmation can mean no other message: none that went
   * to what may be the same client before the connection, none that has left the history or never
   * was in it.
   */
  isKnown({ eventId, arrivedAt }: Evidence, link: Link): boolean {
    const { byUid, messages, deliveries, links, forgets } = this.history;
    const oldest = link.parsed.find(({ uid }) => byUid.get(uid)?.eventId === eventId)?.uid;
    const { settledAt: until } = this.told;
    const meant = (one: Told) => one.uid === oldest && one.settledAt >= arrivedAt && one.trackedAt < until - TIE_MS;
    if (!deliveries.some(meant) || this.isObscured(link) || this.isClaimed(link, eventId, arrivedAt)) return false;
    return messages.every((one) => {
      if (one.eventId !== eventId || one.uid === oldest || one.readAt === 0) return true;
      const other = links.find(({ upstream }) => upstream === one.upstream);
      const nobody = link.user === undefined || other?.user === undefined;
      if (other !== link && !nobody && other.user !== link.user) return true;
      if (other !== link && one.readAt < link.joinedAt + TIE_MS) return false;
      return !forgets && deliveries.some(({ uid }) => uid === one.uid);
    });
  }

  /**
   * Whether a message that the sidecar could not read in a flood may have reached the client of
   * `link` over an earlier connection: any word may be about that message (D13).
   */
  isObscured(link: Link): boolean {
    const { messages, deliveries, links } = this.history;
    return messages.some((one) => {
      if (!one.compressed || !one.tracked || one.eventId === undefined || one.readAt === 0) return false;
      const other = links.find(({ upstream }) => upstream === one.upstream);
      if (other === link || one.readAt >= link.joinedAt + TIE_MS) return false;
      const same = link.user === undefined || other?.user === undefined || other.user === link.user;
      return same && !deliveries.some(({ uid }) => uid === one.uid);
    });
  }

  /**
   * Whether another connection of the user, which had been sent a message that the sidecar could
   * not read, said a word of the event before, without having got the event in another message: the
   * word may be about that message, and so may a later one of the user (D13).
   */
  private isClaimed(link: Link, eventId: string | undefined, before: number): boolean {
    const { messages, deliveries, links, byUid } = this.history;
    return links.some((other) => {
      if (other === link || other.user !== link.user) return false;
      const unread = messages.filter(
        (one) =>
          one.upstream === other.upstream &&
          one.tracked &&
          one.readAt > 0 &&
          !deliveries.some(({ uid }) => uid === one.uid),
      );
      return other.evidence.some(
        (one) =>
          one.kind === 'word' &&
          one.eventId === eventId &&
          one.readAt > 0 &&
          one.arrivedAt < before &&
          unread.some(({ readAt }) => readAt <= one.readAt + TIE_MS) &&
          !other.parsed.some(({ uid, at }) => at <= one.sentAt && byUid.get(uid)?.eventId === eventId),
      );
    });
  }

  /**
   * Whether the evidence had arrived in time: before the deadline, and while the sidecar had to
   * listen.
   */
  private counts(one: Evidence, link: Link): boolean {
    const { arrivedAt } = one;
    const { told } = this;
    if (arrivedAt === 0 || arrivedAt >= this.deadline(link) - TIE_MS) return false;
    // Where a session goes on over another upstream connection, the old client is not read any more
    // (R10).
    if (link.supersededAnew && (one.readAt === 0 || one.readAt >= link.supersededAt - TIE_MS)) return false;
    // A message that its client missed and that was not kept ends when the session goes on (R6),
    // whatever the old connection still carried.
    const resumed = this.history.links.some(
      (other) => other.client === link.client && Math.abs(other.supersededAt - told.settledAt) < TIE_MS,
    );
    if (resumed && told.errorType === 'disconnected' && (one.readAt === 0 || one.readAt >= told.settledAt - TIE_MS))
      return false;
    // Bytes that a stream had not taken when its socket broke are lost with the socket.
    if (link.brokenAt > 0 && one.takenAt === undefined) return false;
    if (arrivedAt > heardUntil(this.history, link, this.message.upstream)) return false;
    // A session that can be resumed ends by rules of its own.
    return arrivedAt < told.settledAt - TIE_MS || !link.sdk;
  }

  /** When the time was up, in time in which the sidecar ran and read the client. */
  deadline(link: Link | undefined): number {
    const { sentAt, timeoutMs } = this.told;
    let deadline = sentAt + timeoutMs;
    for (const { from, to } of this.history.standstills) {
      if (to <= sentAt || from >= deadline || to - from < SEEN_STANDSTILL_MS) continue;
      deadline += to - Math.max(from, sentAt) - BLUR_MS;
    }
    for (const { from, to } of link?.pauses ?? []) {
      const end = to === 0 ? Number.POSITIVE_INFINITY : to + BLIND_MS - BLUR_MS;
      if (from < deadline - TIE_MS && end > deadline) deadline = end;
    }
    return deadline;
  }

  private handled(ok: boolean, at: number): boolean {
    const { uid, client } = this.message;
    const { ordinal } = this.told;
    return this.history.handled.some(
      (one) =>
        one.uid === uid &&
        one.client === client &&
        one.ok === ok &&
        this.history.links.some(
          (link) =>
            link.client === client &&
            link.evidence.some(
              (e) =>
                e.kind === 'sdk' &&
                (ok ? (e.through ?? 0) >= ordinal || e.also?.includes(ordinal) === true : e.n === ordinal) &&
                e.sentAt >= one.at &&
                read(e, at),
            ),
        ),
    );
  }

  /** Confirmations of the event that the sidecar had read, and that may mean this delivery (D6). */
  private wordsOf(eventId: string, rejected: boolean, at: number): [Link, Evidence][] {
    const { own, history } = this;
    const found: [Link, Evidence][] = [];
    for (const link of history.links) {
      const other = link !== own;
      if (other && (link.user === undefined || link.user !== own?.user)) continue;
      for (const one of link.evidence) {
        const fits = one.kind === 'word' && one.eventId === eventId && (one.rejected === true) === rejected;
        if (fits && read(one, at) && (!other || this.isUnique(link, eventId, one.readAt))) found.push([link, one]);
      }
    }
    return found;
  }

  /**
   * The session of `link` had not been sent the event, and exactly one session of the user had.
   * Messages that were read at the same time may have come before or after.
   */
  private isUnique(link: Link, eventId: string, at: number): boolean {
    const { messages, links } = this.history;
    const ups = new Set(
      messages
        .filter(
          (one) =>
            one.eventId === eventId &&
            one.readAt > 0 &&
            one.readAt <= at + (one.uid === this.told.uid ? TIE_MS : -TIE_MS) &&
            one.tracked,
        )
        .map((one) => one.upstream),
    );
    const sent = links.filter((one) => one.user === link.user && ups.has(one.upstream));
    return sent.length === 1 && sent[0] !== link;
  }
}

export function read(one: Evidence, at: number): boolean {
  return one.readAt > 0 && one.readAt <= at + TIE_MS;
}

function name({ kind, eventId, rejected }: Evidence): string {
  if (kind === 'pong') return 'the pong to a ping behind it';
  if (kind === 'close') return "the client's answer to the Close behind it";
  if (kind === 'sdk') return "the SDK's confirmation";
  return `the application's ${rejected === true ? 'rejection' : 'confirmation'} of ${eventId}`;
}

function ago(ms: number): string {
  return `${Math.round(ms * 10) / 10} ms before that`;
}
