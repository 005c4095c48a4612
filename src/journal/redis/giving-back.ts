// journal: gives sessions back for which other instances ask, once it is clear whether this instance has them.
import type { Keys } from './keys.ts';
import type { Link } from './link.ts';
import type { Members } from './members.ts';
import { DISOWN } from './scripts.ts';
import type { Notices, Wire } from './wire.ts';

export interface GivingBackDeps {
  readonly link: Pick<Link, 'write'>;
  readonly keys: Keys;
  readonly members: Pick<Members, 'redisNow'>;
  readonly wire: Wire;
  readonly instance: string;
  /** How long the instance that has the session may take to give it back, ms. */
  readonly patienceMs: number;
  /** Whether Redis can be told everything that there is to tell. */
  ready(): boolean;
  /**
   * Gives back a session of this instance, which another one asked for at `at`, by the clock of
   * Redis. False: a client has come for it here since.
   */
  giveBack(session: string, at: number | undefined): boolean;
  /**
   * Calls `next` when this instance knows whether it has the session: others may have taken what it
   * had, and it does not know of that yet.
   */
  whenClear(session: string, next: () => void): void;
  /**
   * Whether a client has come for the session here that goes before one which has used token
   * `used`.
   */
  keeps(session: string, used: number): boolean;
}

/** `under`: the claim of this instance on a session that is under way. */
export function answerAsked(deps: GivingBackDeps, under: (session: string) => Promise<unknown> | undefined): void {
  deps.wire.on('release', (asked) => {
    const give = (): void => deps.whenClear(asked.session, () => giveBack(deps, asked));
    const claimed = under(asked.session);
    // What an instance asks of all, it asks itself too, and its claim waits for the answer.
    if (claimed === undefined || asked.from === deps.instance) give();
    // The answer to the claim may lie in the socket: until then Redis has not what is here. The
    // client for which it was claimed comes first.
    else void claimed.then(() => setImmediate(give));
  });
}

function giveBack(deps: GivingBackDeps, { session, from, used, at }: Notices['release']): void {
  const { wire, link, keys, instance, members, patienceMs } = deps;
  // What is given back untold is lost: the client that asks has to come again.
  if (!deps.ready()) return;
  // An instance that stood still hears late. The one that asked waits no longer, and may have
  // ended: the session would be left without an instance.
  if (at !== undefined && members.redisNow() - at > patienceMs) return;
  if (used !== undefined && deps.keeps(session, used)) {
    wire.say(from, { kind: 'kept', session });
    return;
  }
  if (!deps.giveBack(session, at)) return;
  // Also what Redis alone calls its own, because it refused to take it back, or forgot that.
  link.write(DISOWN, [keys.session(session)], [instance]);
  // The one that asked looks again by itself: the connection may have gone, or this instance is
  // about to end.
  wire.say(from, { kind: 'released', session });
}
