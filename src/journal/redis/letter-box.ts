// journal: dead letters in Redis for people: searched newest first, by owner where one is named, and purged by owner.
import { createHash } from 'node:crypto';
import {
  type DeadLetter,
  type FoundLetter,
  type LetterFilter,
  type LetterOwner,
  type LetterPage,
  LettersAway,
  wantsLetter,
} from '../../delivery/dead-letters.ts';
import { isLetter } from '../letter-codec.ts';
import type { Keys } from './keys.ts';
import { PURGE } from './letter-scripts.ts';
import type { Link } from './link.ts';

/**
 * How long a letter may wait for Redis: as long as a purge is remembered, so that nothing of a user
 * comes after it, ms.
 */
export const WAIT_MS = 3_600_000;

export interface LetterBoxDeps {
  readonly link: Pick<Link, 'run' | 'send'>;
  readonly keys: Keys;
  ready(): boolean;
  /** Older letters are not shown, ms. */
  readonly keepMs: number;
  wall(): number;
}

/** Letters read at a time, each with its message; and letters purged at a time. */
const [SLICE, PURGED] = [50, 500];
/** The id of an entry of a stream. */
const CURSOR = /^(\d{1,15})-(\d{1,19})$/;
const LAST = '18446744073709551615';

/** An entry as Redis answers it, in bytes. */
type Entry = readonly [id: Buffer, fields: readonly Buffer[]];

/** The digests of whom a letter is of: names of users are in no key. */
export function ownersOf({ user, claimedUser }: Pick<DeadLetter, 'user' | 'claimedUser'>): string[] {
  const owners: LetterOwner[] = [];
  if (user !== undefined) owners.push({ user });
  if (claimedUser !== undefined) owners.push({ claimedUser });
  return owners.map(digestOf);
}

export function createLetterBox({ link, keys, ready, keepMs, wall }: LetterBoxDeps) {
  const away = (error: Error): never => {
    throw new LettersAway(`The dead letters in Redis cannot be reached: ${error.message}.`);
  };

  const send = async (command: string, args: readonly string[]): Promise<readonly Entry[]> =>
    (await link.send(command, args, true).catch(away)) as readonly Entry[];

  /** A slice of letters, newest first, from before that id on. */
  async function slice(owner: string | undefined, before: string): Promise<readonly Entry[]> {
    const read = (key: string) => send('xrevrange', [key, before, '-', 'COUNT', String(SLICE)]);
    if (owner === undefined) return read(keys.letters);
    const ids = (await read(keys.lettersOf(owner))).map(([id]) => id.toString());
    const found = await Promise.all(ids.map((id) => send('xrange', [keys.letters, id, id])));
    // One may have gone between the two questions.
    return found.map(([entry], i): Entry => entry ?? [Buffer.from(ids[i]!), []]);
  }

  async function find(filter: LetterFilter, { after, limit, messages }: LetterPage) {
    if (!ready()) away(new Error('there is no connection'));
    const wanted = { ...filter, since: Math.max(filter.since ?? 0, wall() - keepMs) };
    const [owner] = ownersOf({ user: filter.user, claimedUser: filter.claimedUser });
    const found: FoundLetter[] = [];
    let before = after === undefined ? '+' : idBefore(after);
    while (found.length <= limit) {
      const entries = await slice(owner, before);
      for (const [id, fields] of entries) {
        const letter = letterIn(fields);
        if (letter === undefined || !wantsLetter(wanted, letter.letter)) continue;
        const { message } = letter;
        found.push({
          ...{ letter: letter.letter, messageBytes: message.length, cursor: id.toString() },
          message: messages && message.length > 0 ? message : undefined,
        });
      }
      if (entries.length < SLICE) break;
      before = idBefore(entries.at(-1)![0].toString());
    }
    return { found: found.slice(0, limit), more: found.length > limit };
  }

  /** Answers how many went, and the bytes of the letters that are left. */
  async function purge(owner: LetterOwner): Promise<{ removed: number; bytes: number }> {
    if (!ready()) away(new Error('there is no connection'));
    const digest = digestOf(owner);
    const { letters, letterBytes, lettersOf, purged } = keys;
    const names = [letters, letterBytes, lettersOf(digest), purged(digest), lettersOf('')];
    const at = String(wall());
    let removed = 0;
    while (true) {
      const asked = link.run(PURGE, names, [at, String(WAIT_MS), String(PURGED)]).catch(away);
      const [gone, over, bytes] = (await asked) as [number, number, string];
      removed += gone;
      if (over === 1) return { removed, bytes: Math.max(0, Number(bytes)) };
    }
  }

  return { find, purge, isCursor: (text: string) => CURSOR.test(text) };
}

function digestOf(owner: LetterOwner): string {
  const text = 'user' in owner ? `user ${owner.user}` : `claimed ${owner.claimedUser}`;
  return createHash('sha256').update(text).digest('base64url');
}

/** The id right before that one. */
function idBefore(id: string): string {
  const [, ms = '0', seq = '0'] = CURSOR.exec(id) ?? [];
  if (BigInt(seq) > 0n) return `${ms}-${BigInt(seq) - 1n}`;
  return BigInt(ms) > 0n ? `${BigInt(ms) - 1n}-${LAST}` : '0-0';
}

function letterIn(fields: readonly Buffer[]): { letter: DeadLetter; message: Buffer } | undefined {
  const named = new Map<string, Buffer>();
  for (let i = 0; i + 1 < fields.length; i += 2) named.set(fields[i]!.toString(), fields[i + 1]!);
  try {
    const value: unknown = { n: 0, ...JSON.parse(named.get('l')?.toString() ?? 'null') };
    if (!isLetter(value)) return undefined;
    const { n, ...letter } = value;
    return { letter, message: named.get('m') ?? Buffer.alloc(0) };
  } catch {
    // Another program's, or an older version's.
    return undefined;
  }
}
