// admin: a connection as JSON shows it: ids, times and counts; never a query string or a header.
import type { BookEntry, LifeStep } from './connection-book.ts';
import { isoTime } from './iso-time.ts';
import type { AdminDeps } from './ports.ts';
import type { ConnectionJson, ConnectionStepJson } from './shapes.ts';

type ViewDeps = Pick<AdminDeps, 'wallOf'>;

/** One line of a list. */
export function connectionSummary(entry: BookEntry, deps: ViewDeps): ConnectionJson {
  const shown = entry.view();
  const { closed } = entry;
  return {
    id: shown.id,
    session: shown.session,
    user: shown.user ?? null,
    claimed_user: shown.claimedUser ?? null,
    capability: shown.capability,
    opened_at: isoTime(shown.openedAt, deps),
    closed_at: closed === undefined ? null : isoTime(closed.at, deps),
    closed_by: closed?.by ?? null,
    close_code: closed?.code ?? null,
    remote: shown.remote,
    path: shown.path.split('?', 1)[0] as string,
    pending: closed === undefined ? shown.pending : 0,
    messages: shown.messages,
  };
}

/** One step of a connection's life. */
export function lifeStep({ at, ...step }: LifeStep, deps: ViewDeps): ConnectionStepJson {
  return { ...step, at: isoTime(at, deps) };
}
