// admin-client: why a question about a user finds nothing although the user is connected: the user is not proven.
import type { AdminClient } from './client.ts';
import { quoted } from './printable.ts';
import { counted } from './wording.ts';

/** Connections that are read to find one with a proven user. */
const LOOK = 200;

/**
 * Lines to print beside "nothing matches" of a filter by user. None where users are proven and this
 * user is simply unknown.
 */
export async function whyNobody(client: AdminClient, user: string): Promise<string[]> {
  const [claims, any] = await Promise.all([
    client.everyConnection({ claimed_user: user, state: 'any' }, LOOK),
    client.everyConnection({ state: 'any' }, LOOK),
  ]);
  const claiming = claims.items.filter((each) => each.user !== user).length;
  if (claiming > 0)
    return [
      `${counted(claiming, 'connection')} ${claiming === 1 ? 'claims' : 'claim'} to be user ${quoted(user)} without proof, and a claim is not searched for (docs/identity.md).`,
      'Ask by session or connection instead: those of `ackspan connections --claimed-user`.',
    ];
  if (any.items.length > 0 && any.items.every((each) => each.user === null))
    return [
      'No connection here has a proven user: say where users are named and who proves them (identity.user, docs/identity.md).',
    ];
  return [];
}
