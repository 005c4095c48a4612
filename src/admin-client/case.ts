// admin-client: gathers everything that is known of one delivery from one admin server and its neighbours.
import type { DeliveryDetailJson } from '../admin/shapes.ts';
import type { UnmatchedJson } from '../admin/unmatched-shapes.ts';
import { ALIKE_MS, endedAt } from './alike.ts';
import type { AdminClient } from './client.ts';
import type { Alike, Case, Sighting } from './facts.ts';
import { AdminFailure } from './failure.ts';

/** Most deliveries that are read to find similar ends. */
const ALIKE_MOST = 2_000;
/** Longest time from a delivery's send to its end for which similar ends are looked for, ms. */
const LONGEST_LIFE_MS = 10 * 60_000;

/**
 * Reads the case of the delivery whose own id or event id is `id`. `others` are admin servers of
 * the same service; they are asked where the user is now.
 */
export async function gatherCase(client: AdminClient, id: string, others: readonly AdminClient[] = []): Promise<Case> {
  const delivery = await client.delivery(id);
  const lost = ['failed', 'timeout', 'unverifiable'].includes(delivery.status);
  const [alike, sightings, foreign] = await Promise.all([
    lost ? alikeOf(client, delivery) : undefined,
    lost && delivery.user !== null ? sightingsOf([client, ...others], delivery.user) : [],
    lost ? turnedAway(client, delivery) : [],
  ]);
  return { delivery, alike, sightings, turnedAway: foreign };
}

async function alikeOf(client: AdminClient, delivery: DeliveryDetailJson): Promise<Alike | undefined> {
  const end = endedAt(delivery);
  if (end === undefined) return undefined;
  const life = Math.max(LONGEST_LIFE_MS, delivery.settled_ms ?? 0);
  const found = await client.everyDelivery(
    {
      status: delivery.status,
      reason: delivery.error_type ?? delivery.unverifiable_reason ?? undefined,
      since: new Date(end - life).toISOString(),
      until: new Date(end + ALIKE_MS).toISOString(),
    },
    ALIKE_MOST,
  );
  const near = found.items.filter((each) => Math.abs((endedAt(each) ?? 0) - end) <= ALIKE_MS);
  return { deliveries: near.length, sessions: new Set(near.map(({ session }) => session)).size, more: found.more };
}

/**
 * The user's connections on all `clients`. A server that cannot be asked is left out, because the
 * case can be told without it.
 */
async function sightingsOf(clients: readonly AdminClient[], user: string): Promise<Sighting[]> {
  const lists = await Promise.all(
    clients.map(async (client) => {
      try {
        const { items } = await client.everyConnection({ user }, 50);
        return items.map((connection) => ({ base: client.place.base, connection }));
      } catch (error) {
        if (error instanceof AdminFailure) return [];
        throw error;
      }
    }),
  );
  return lists.flat();
}

/** Confirmations of the event by other sessions. An older sidecar remembers none. */
async function turnedAway(
  client: AdminClient,
  { event_id, session }: DeliveryDetailJson,
): Promise<readonly UnmatchedJson[]> {
  if (event_id === null) return [];
  try {
    const { unmatched } = await client.unmatched({ event_id, reason: 'foreign' }, 100);
    return unmatched.filter((word) => word.session !== session);
  } catch (error) {
    if (error instanceof AdminFailure && error.kind === 'missing') return [];
    throw error;
  }
}
