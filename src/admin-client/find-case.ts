// admin-client: the case of one delivery among several instances, whose ids may be the same: who else has one is said.
import { type Case, gatherCase } from './case.ts';
import type { AdminClient } from './client.ts';
import { AdminFailure } from './failure.ts';

/** What the instances know of an id. */
export interface Found {
  /** The first that has it, in the order in which they were given. */
  readonly hit: { readonly client: AdminClient; readonly found: Case } | undefined;
  /** Others that have a delivery of that id too, which is another delivery. */
  readonly also: readonly AdminClient[];
  /** Why an instance could not be asked; the first. */
  readonly failure: AdminFailure | undefined;
}

/** Asks `clients`; `all` are asked where the user is now. Rejects only for bugs. */
export async function findCase(
  clients: readonly AdminClient[],
  id: string,
  all: readonly AdminClient[] = clients,
): Promise<Found> {
  let failure: AdminFailure | undefined;
  const known = await Promise.all(
    clients.map(async (client) => {
      try {
        await client.delivery(id);
        return true;
      } catch (error) {
        if (!(error instanceof AdminFailure)) throw error;
        if (error.kind !== 'missing') failure ??= error;
        return false;
      }
    }),
  );
  const having = clients.filter((_, i) => known[i]);
  const [first, ...also] = having;
  if (first === undefined) return { hit: undefined, also, failure };
  try {
    const others = all.filter((each) => each !== first);
    return { hit: { client: first, found: await gatherCase(first, id, others) }, also, failure };
  } catch (error) {
    // It may have left the history in between, or the sidecar stopped.
    if (!(error instanceof AdminFailure)) throw error;
    return { hit: undefined, also, failure: error.kind === 'missing' ? failure : error };
  }
}
