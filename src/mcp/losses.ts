// mcp: remembers the losses that the live stream told of, because a sidecar that is replaced takes its history with it.

import { setTimeout as sleep } from 'node:timers/promises';
import type { DeliveryDetailJson, DeliveryJson } from '../admin/shapes.ts';
import type { AdminClient } from '../admin-client/client.ts';
import { AdminFailure } from '../admin-client/failure.ts';

/** Losses kept; the latest are. */
const LIMIT = 2_000;
/** Wait between two tries to follow a sidecar that does not answer, ms. */
const AGAIN_MS = 5_000;

/** The losses seen so far. */
export interface Losses {
  /** The latest loss whose own id or event id is `id`. */
  find(id: string): DeliveryJson | undefined;
  /** All kept losses, latest first. */
  all(): readonly DeliveryJson[];
  /**
   * Start of the time for which the stream has been followed without a gap, ISO 8601; undefined =
   * it is not followed now.
   */
  readonly since: string | undefined;
}

/** Follows `client` until `signal` is aborted. After a failure it tries again. */
export function watchLosses(client: AdminClient, signal: AbortSignal): Losses {
  const byId = new Map<string, DeliveryJson>();
  let since: string | undefined;
  void follow();
  return {
    find: (id) => byId.get(id) ?? [...byId.values()].reverse().find(({ event_id }) => event_id === id),
    all: () => [...byId.values()].reverse(),
    get since() {
      return since;
    },
  };

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      try {
        for await (const told of client.follow({ status: 'failed,timeout,unverifiable', events: 'step' }, signal)) {
          since = told.kind === 'lost' ? undefined : (since ?? new Date().toISOString());
          if (told.kind === 'event' && told.event === 'step') keep(told.data.delivery as DeliveryJson);
        }
      } catch (error) {
        // Silence is right here: every tool reports that the sidecar does not answer, and why.
        if (!(error instanceof AdminFailure)) throw error;
      }
      since = undefined;
      await sleep(AGAIN_MS, undefined, { signal }).catch(() => {});
    }
  }

  function keep(delivery: DeliveryJson): void {
    if (delivery.settled_ms === null) return;
    byId.delete(delivery.id);
    byId.set(delivery.id, delivery);
    if (byId.size > LIMIT) byId.delete(byId.keys().next().value as string);
  }
}

/**
 * A remembered loss, as far as it can be explained. Its time line and its connection went with the
 * sidecar.
 */
export function detailOf(delivery: DeliveryJson): DeliveryDetailJson {
  return {
    ...delivery,
    error_text: null,
    connection: null,
    sent_over: null,
    timeline: [],
    same_event: { count: 0, deliveries: [] },
  };
}
