// journal: sessions that move between instances: asked for, given back, or taken from an instance that is gone.
import { readSession } from './fields.ts';
import { answerAsked, type GivingBackDeps } from './giving-back.ts';
import type { Link } from './link.ts';
import type { Members } from './members.ts';
import { CLAIM, DO } from './scripts.ts';
import type { TakenSession } from './taken.ts';
import type { Notice } from './wire.ts';

export interface ClaimsDeps extends GivingBackDeps {
  readonly link: Link;
  readonly members: Members;
  /** Life of a session in Redis that nobody touches, ms. */
  readonly lifeMs: number;
  /** Redis refuses what it is told. */
  refused(error: Error): void;
  /** Goes on with a session that was taken over. False: it was given back, for lack of room. */
  adopt(taken: TakenSession): boolean;
}

/**
 * What became of a claim. `adopted`: this instance has the session. `stale`: a client with a better
 * claim has come. `held`: an instance that is alive, or not yet taken for dead, does not give it
 * back. `full`: there is no room for it here. `unreachable`: Redis does not answer.
 */
export type Claimed = 'adopted' | 'unknown' | 'stale' | 'held' | 'full' | 'unreachable';

type Answer =
  | { readonly kind: 'yours'; readonly taken: TakenSession | undefined }
  | { readonly kind: 'held'; readonly owner: string }
  | { readonly kind: 'unknown' | 'stale' | 'behind' };

/**
 * What a client shows: the serial of its token, and the ordinal of the last message that it has.
 */
interface Shown {
  readonly serial: number;
  readonly last: number;
  /** Whether the client has been here since before others took the session. */
  readonly stayed?: boolean;
  /** Whether the client is still there; asked before other instances are. Default: it is. */
  stays?(): Promise<boolean>;
}
/** Shown where an instance asks for itself, without a client. */
const NO_CLIENT: Shown = { serial: -1, last: 0 };

/** Owner from whom a session may be taken, by whom, and for how long the owner has been away. */
interface From {
  readonly owner: string;
  readonly by: 'client' | 'reaper';
  readonly awayMs: number;
}

/** What those have answered that were asked to give a session back. */
type Given = 'all' | 'kept' | 'not yet';

/** Between two looks whether a connection is gone, ms. */
const LOOK_MS = 10;

export class Claims {
  /** Sessions that there was no room for, and that this instance sees to nevertheless. */
  readonly homeless = new Set<string>();
  readonly #deps: ClaimsDeps;
  /** Claims under way, by session. */
  readonly #under = new Map<string, Promise<Claimed>>();
  /** Callers that wait for a session to be given back. */
  readonly #awaited = new Map<string, (answer: 'released' | 'kept') => void>();

  constructor(deps: ClaimsDeps) {
    this.#deps = deps;
    answerAsked(deps, (session) => this.#under.get(session));
    for (const kind of ['released', 'kept'] as const)
      deps.wire.on(kind, ({ session }) => this.#awaited.get(session)?.(kind));
  }

  /** A client asks for the session. Never rejects. */
  claim(session: string, shown: Shown): Promise<Claimed> {
    return this.#alone(session, () => this.#noted(session, () => this.#claim(session, shown)));
  }

  /**
   * Takes back a session that others have taken over although its client is still here, which had
   * used token `used`.
   */
  takeBack(session: string, used: number): Promise<Claimed> {
    const shown = { serial: used, last: 0, stayed: true };
    const claim = async () => this.#judge(await this.#askFor(session, shown));
    return this.#alone(session, () => this.#noted(session, claim));
  }

  /**
   * Calls `next` when no claim of the session is under way. A claim of this instance raises the
   * epoch, and what it wrote before is refused then, although the session is its own.
   */
  behind(session: string, next: () => void): void {
    const under = this.#under.get(session);
    if (under === undefined) next();
    else void under.then(next);
  }

  /** Takes a session of a dead instance, which was last there `awayMs` ago. */
  inherit(session: string, dead: string, awayMs: number): Promise<Claimed> {
    return this.#alone(session, async () => {
      const answer = await this.#ask(session, NO_CLIENT, { owner: dead, by: 'reaper', awayMs });
      return this.#judge(answer);
    });
  }

  /**
   * Two claims of one session follow each other: the second finds what the first has made of it.
   */
  #alone(session: string, claim: () => Promise<Claimed>): Promise<Claimed> {
    const before = this.#under.get(session);
    const run = async (): Promise<Claimed> => {
      const earlier = await before;
      if (earlier === 'adopted') return earlier;
      try {
        // What this instance wrote of the session itself comes first.
        await this.#deps.link.read();
        return await claim();
      } catch (error) {
        this.#deps.refused(error as Error);
        return 'unreachable';
      }
    };
    const under = run().finally(() => {
      if (this.#under.get(session) === under) this.#under.delete(session);
    });
    this.#under.set(session, under);
    return under;
  }

  /**
   * Makes the session one of this instance's before the claim. An instance that ends in between
   * would otherwise leave a session that no reaper finds. A reaper takes out what is not there.
   */
  async #noted(session: string, claim: () => Promise<Claimed>): Promise<Claimed> {
    const { link, keys, instance } = this.#deps;
    const held = keys.held(instance);
    const [, claimed] = await Promise.all([link.send('sadd', [held, session]), claim()]);
    if (claimed === 'adopted') return claimed;
    // A session without an owner was given back, and the claim has come to nothing all the same.
    const owner = await link.send('hget', [keys.session(session), 'owner']);
    if (owner !== instance && owner !== '') await link.send('srem', [held, session]);
    return claimed;
  }

  async #claim(session: string, shown: Shown): Promise<Claimed> {
    const first = await this.#askFor(session, shown);
    // Unknown: the instance that began the session may have written it a moment ago, because the
    // client has a token of it. Behind: Redis has gone back in time, because the client has more
    // messages than Redis knows of. The holder of the session knows more in both cases.
    if (first.kind !== 'unknown' && first.kind !== 'behind') return this.#judge(first);
    if (!(await isThere(shown)) || !(await this.#allRead(session))) return 'held';
    return this.#judge(await this.#askFor(session, { ...shown, last: 0 }));
  }

  async #askFor(session: string, shown: Shown): Promise<Answer> {
    let answer = await this.#ask(session, shown, { owner: '', by: 'client', awayMs: 0 });
    for (let round = 0; answer.kind === 'held' && round < 3; round++) {
      const { owner } = answer;
      // A request that was read late may have been given up, and its client be with the owner.
      if (!(await isThere(shown))) return answer;
      const from = await this.#persuade(session, owner, shown);
      if (from === 'kept') return { kind: 'stale' };
      if (from === undefined) return answer;
      answer = await this.#ask(session, shown, { ...from, by: 'client' });
    }
    return answer;
  }

  /**
   * Asks the owner to give the session back. Answers from whom the session may be taken; undefined
   * = it may not be taken yet, `kept` = this client may not have it.
   */
  async #persuade(session: string, owner: string, { serial, stayed }: Shown) {
    const { wire, members } = this.#deps;
    const used = stayed === true ? serial : undefined;
    const { asked, given } = await this.#askBack(session, used, (notice) => wire.tell(owner, notice));
    if (given === 'kept') return given;
    if (given === 'all') return { owner: '', awayMs: 0 };
    // The process of the owner has ended, or its connections: what it wrote is read to its end.
    const gone = asked === 0 && (await this.#isRead(owner));
    const { ms, dead } = await members.away(owner);
    return gone || dead ? { owner, awayMs: ms } : undefined;
  }

  /** Whether Redis has read all that others had written by now; that may take a moment. */
  async #allRead(session: string): Promise<boolean> {
    const { wire, members } = this.#deps;
    // Each answers behind all that it wrote. This instance is asked too.
    const { given } = await this.#askBack(session, undefined, (notice) => wire.tellAll(notice));
    if (given !== 'all') return false;
    for (const instance of await members.leaving()) if (!(await this.#isRead(instance))) return false;
    return true;
  }

  /**
   * Asks instances for the session, and waits for their answers. `asked`: how many are there.
   * `given`: whether all of them have given it back.
   */
  async #askBack(session: string, used: number | undefined, ask: (notice: Notice) => Promise<number>) {
    const { instance, patienceMs, members } = this.#deps;
    let [asked, answers] = [Number.POSITIVE_INFINITY, 0];
    let done = (_given: Given): void => {};
    const over = new Promise<Given>((resolve) => {
      done = resolve;
    });
    this.#awaited.set(session, (answer) => {
      if (answer === 'kept') done('kept');
      else if (++answers >= asked) done('all');
    });
    const timer = setTimeout(() => done('not yet'), patienceMs);
    try {
      asked = await ask({ kind: 'release', session, from: instance, used, at: members.redisNow() });
      if (asked === 0) done('not yet');
      else if (answers >= asked) done('all');
      return { asked, given: await over };
    } finally {
      clearTimeout(timer);
      this.#awaited.delete(session);
    }
  }

  /** Whether the connection on which the instance wrote is gone, now or in a while. */
  async #isRead(instance: string): Promise<boolean> {
    const { members, patienceMs } = this.#deps;
    for (let waited = 0; await members.writes(instance); waited += LOOK_MS) {
      if (waited >= patienceMs) return false;
      // Redis reads other connections before it answers this one again.
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
    return true;
  }

  async #ask(session: string, { serial, last }: Shown, { owner, by, awayMs }: From): Promise<Answer> {
    const { link, keys, instance, lifeMs } = this.#deps;
    const args = [instance, String(serial), owner, by, String(lifeMs), String(last)];
    const answer = (await link.run(CLAIM, [keys.session(session)], args, true)) as [Buffer, ...Buffer[]];
    const kind = answer[0].toString() as Answer['kind'];
    if (kind === 'held') return { kind, owner: answer[1]!.toString() };
    if (kind !== 'yours') return { kind };
    const read = readSession(session, answer[3] as unknown as Buffer[]);
    // An instance gave it back, and perhaps none was there since.
    const away = Math.max(awayMs, Number(answer[4] ?? 0));
    return { kind, taken: read && { ...read, epoch: answer[1]!.toString(), awayMs: away } };
  }

  #judge(answer: Answer): Claimed {
    if (answer.kind !== 'yours') return answer.kind === 'behind' ? 'held' : answer.kind;
    const { taken } = answer;
    if (taken === undefined) return 'unknown';
    const { link, keys, instance } = this.#deps;
    const { key } = taken.entry;
    this.homeless.delete(key);
    if (this.#deps.adopt(taken)) return 'adopted';
    // Given back, it is among those of no instance, and would never end.
    link.write(DO, [keys.held(instance)], ['SADD', key]);
    this.homeless.add(key);
    return 'full';
  }
}

async function isThere({ stays }: Shown): Promise<boolean> {
  return stays === undefined || (await stays());
}
