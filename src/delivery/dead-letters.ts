// delivery: dead letters: lost deliveries as they are kept beyond the process, and the port of what keeps them.
import type { Attempt } from './record.ts';
import type { Capability, ErrorType, Level, Priority } from './words.ts';

/** One delivery that ended `failed` or `timeout`. Plain data; times are ms since the epoch. */
export interface DeadLetter {
  /** The delivery's own name (`d-…`). */
  readonly id: string;
  readonly seq: number;
  /** The instance that lost it; undefined = the store has one instance only. */
  readonly instance?: string | undefined;
  readonly eventId: string | undefined;
  readonly type: string;
  readonly priority: Priority;
  readonly status: 'failed' | 'timeout';
  readonly errorType: Exclude<ErrorType, ''>;
  /** What the application said when it rejected the event; '' = nothing. */
  readonly errorText: string;
  readonly level: Level | '';
  readonly required: Level;
  readonly capability: Capability;
  readonly session: string;
  /** The proven user. */
  readonly user: string | undefined;
  /** The user that the client claimed without proof. */
  readonly claimedUser: string | undefined;
  /** The last connection of the session; '' = it is not known. */
  readonly connection: string;
  readonly run: string | undefined;
  readonly tool: string | undefined;
  readonly toolCall: string | undefined;
  readonly ordinal: number;
  readonly bytes: number;
  readonly attempts: readonly Attempt[];
  readonly sentAt: number;
  /** 0 = receipt was not proven. */
  readonly receivedAt: number;
  readonly settledAt: number;
  /** 32 hex digits; undefined = its span is not known. */
  readonly traceId: string | undefined;
}

/** A letter that was found. */
export interface FoundLetter {
  readonly letter: DeadLetter;
  /** Bytes of the message that was kept, because its rule says `keep_lost: true`; 0 = none was. */
  readonly messageBytes: number;
  /** The message, where it was kept and is wanted. */
  readonly message: Uint8Array | undefined;
  /**
   * The place behind this letter: what `find` goes on after. Letters, digits, `-` and `.`; the
   * store alone can read it.
   */
  readonly cursor: string;
}

/** Which letters are wanted. A member left out matches everything. */
export interface LetterFilter {
  readonly user?: string | undefined;
  readonly claimedUser?: string | undefined;
  readonly session?: string | undefined;
  readonly eventId?: string | undefined;
  readonly types?: ReadonlySet<string> | undefined;
  readonly priorities?: ReadonlySet<string> | undefined;
  /** Values of `errorType`. */
  readonly reasons?: ReadonlySet<string> | undefined;
  /** When the delivery was lost: from `since` on, before `until`; ms since the epoch. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** Whose letters a purge removes: one of the two. */
export type LetterOwner = { readonly user: string } | { readonly claimedUser: string };

/** Which part of the letters `find` answers. */
export interface LetterPage {
  /** The cursor of the last letter of the page before; undefined = from the newest on. */
  readonly after?: string | undefined;
  readonly limit: number;
  /** Whether messages are wanted too. */
  readonly messages: boolean;
}

/**
 * What of a store is asked by people. Each call may take its time, and leaves the event loop room.
 */
export interface DeadLetterBox {
  /** Up to `limit` letters, newest loss first, behind `after`. `more`: others may follow. */
  find(
    filter: LetterFilter,
    page: LetterPage,
  ): Promise<{ readonly found: readonly FoundLetter[]; readonly more: boolean }>;
  /** Whether `find` can go on after this text. */
  isCursor(text: string): boolean;
  /** ms since the epoch, by the clock that dates letters: that of a shared store is the store's. */
  wall(): number;
  /** Removes what there is of one owner, kept messages included. Answers the number of letters. */
  purge(owner: LetterOwner): Promise<number>;
}

/**
 * What keeps letters: one for each engine. Nothing here throws, and only `DeadLetterBox` is waited
 * for (SPEC D8).
 */
export interface DeadLetters extends DeadLetterBox {
  /** Adds a letter. It outlives the process after the next `handOver`. */
  add(letter: DeadLetter, message: Uint8Array | undefined): void;
  /** Makes what was added survive the end of the process. */
  handOver(): void;
  readonly counters: LetterCounters;
  /** Bytes that the letters take. */
  readonly bytes: number;
}

/** The place of the letters does not answer now: `find` and `purge` reject with it. */
export class LettersAway extends Error {}

/** Figures since the start. */
export interface LetterCounters {
  /** Letters written down. */
  readonly kept: number;
  /** Letters that could not be written down. */
  readonly failed: number;
}

/** Whether a letter is wanted. */
export function wantsLetter(filter: LetterFilter, letter: DeadLetter): boolean {
  const { user, claimedUser, session, eventId, types, priorities, reasons } = filter;
  const { since = 0, until = Number.POSITIVE_INFINITY } = filter;
  return (
    letter.settledAt >= since &&
    letter.settledAt < until &&
    (user === undefined || letter.user === user) &&
    (claimedUser === undefined || letter.claimedUser === claimedUser) &&
    (session === undefined || letter.session === session) &&
    (eventId === undefined || letter.eventId === eventId) &&
    (types === undefined || types.has(letter.type)) &&
    (priorities === undefined || priorities.has(letter.priority)) &&
    (reasons === undefined || reasons.has(letter.errorType))
  );
}

/** Whether a letter is one of that owner. */
export function isOwnedBy(owner: LetterOwner, letter: DeadLetter): boolean {
  return 'user' in owner ? letter.user === owner.user : letter.claimedUser === owner.claimedUser;
}
