// An admin server that has something of everything: what its answers look like is compared with their description.
import { createMessageLog } from '../../src/admin/message-log.ts';
import type { AdminDeps } from '../../src/admin/ports.ts';
import { createUnmatchedBook } from '../../src/admin/unmatched-book.ts';
import { Operator } from '../../src/delivery/operator.ts';
import { STATUSES } from '../../src/delivery/words.ts';
import { ada, bookOf, connection, NOON, SETTINGS, type Served, serve, settle, track } from './fixture.ts';

/**
 * A store with one delivery of every status, one probed, one upgraded; two connections, one over;
 * messages of the first.
 */
export async function filled(change: Partial<AdminDeps> = {}): Promise<Served> {
  const book = bookOf(connection(1), connection(2, { user: 'ada', session: ada.key, openedAt: NOON - 1000 }));
  book.capability('c-2', 'received', NOON);
  book.closed('c-1', 'client', 1001, NOON + 5);
  const messages = createMessageLog({ capacity: 1000, payloadBytes: 1000 });
  const line = messages!.line(2);
  messages!.toClient(line, true, 'tool_executing', 120, NOON, 1, 1);
  messages!.payload(Buffer.from('{"token":"x","a":1}'), 0, 19);
  messages!.toClient(line, false, undefined, 0, NOON, 2, 0);
  messages!.toUpstream(line, true, 20, NOON);
  messages!.consumed(line);
  const unmatched = createUnmatchedBook();
  unmatched.add('late', ada, 'e', NOON);
  const served = await serve({
    book,
    messages,
    unmatched,
    drain: { begin: () => undefined, progress: () => ({ state: 'serving', connections: 1, pending: 2 }) },
    deadLetters: {
      find: async () => ({ found: [], more: false }),
      isCursor: () => false,
      wall: () => NOON,
      purge: async () => 0,
    },
    connections: () => [connection(2)],
    sessions: () => [ada],
    settings: { ...SETTINGS, payloads: true },
    traceId: ({ seq }) => (seq === 1 ? '0123456789abcdef'.repeat(2) : undefined),
    watch: () => () => undefined,
    health: () => ({ ready: false, reasons: ['draining'] }),
    operator: new Operator({ unverifiable: () => undefined, settle: () => undefined } as never, () => undefined),
    ...change,
  });
  for (const [i, status] of STATUSES.entries()) {
    const delivery = track(served.store, { seq: i + 1, id: 'e', session: ada });
    if (status === 'pending') continue;
    delivery.attemptLog = [{ kind: 'probe', number: 2, at: NOON + 1000, delay: 1000, result: 'sent' }];
    if (status === 'retrying') delivery.status = status;
    else settle(served.store, delivery, status, NOON + 2000);
    if (status === 'failed') delivery.errorType = 'rejected';
    if (status === 'unverifiable') delivery.unverified = 'client_left';
    if (status === 'confirmed') delivery.upgradedAt = NOON + 3000;
  }
  return served;
}
