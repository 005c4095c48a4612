// admin-client: the case of one delivery among several instances, which may use the same id for other deliveries.
import { gatherCase } from './case.ts';
import type { AdminClient } from './client.ts';
import type { Case } from './facts.ts';
import { AdminFailure } from './failure.ts';

/** What the instances know of an id. */
export interface Found {
  /** The first instance that has the delivery, in the given order, with the case. */
  readonly hit: { readonly client: AdminClient; readonly found: Case } | undefined;
  /** Other instances that have a delivery of that id too. It is another delivery. */
  readonly also: readonly AdminClient[];
  /** The first failure of an instance that could not be asked. */
  readonly failure: AdminFailure | undefined;
}

/** Asks `clients` for the delivery, and `all` where its user is now. Rejects only for bugs. */
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
    // The delivery may have left the history in between, or the sidecar may have stopped.
    if (!(error instanceof AdminFailure)) throw error;
    return { hit: undefined, also, failure: error.kind === 'missing' ? failure : error };
  }
}
