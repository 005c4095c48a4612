// sidecar: tells of connections: the set of open ones, their owners, the admin server's history, and the watch.
import type { ConnectionBook } from '../admin/connection-book.ts';
import type { Connection } from '../connection/connection.ts';
import type { ConnectionObserver } from '../connection/parts.ts';
import type { Report } from '../delivery/ports.ts';
import type { Owners } from '../identity/owners.ts';
import { now } from '../time/clock.ts';
import type { Watch } from './observe.ts';

/** Reports an error of the watch. Such an error costs no connection and no session (SPEC D8). */
export function tell(report: Report, step: () => void): void {
  try {
    step();
  } catch (error) {
    report({ stage: 'watch', error });
  }
}

export interface RegisterDeps {
  readonly connections: Set<Connection>;
  readonly owners: Owners;
  readonly watch: Pick<Watch, 'connections'>;
  readonly book: ConnectionBook<Connection>;
  readonly report: Report;
}

/** Keeps the set of open connections beside the watch. */
export function register({
  connections,
  owners,
  watch: { connections: watch },
  book,
  report,
}: RegisterDeps): ConnectionObserver {
  return {
    opened(connection) {
      connections.add(connection);
      owners.connect(connection.session.owner);
      tell(report, () => book.opened(connection.id, connection, connection.facts.openedAt));
      tell(report, () => watch.opened(connection));
    },
    capability(connection, from, to) {
      tell(report, () => book.capability(connection.id, to, now()));
      tell(report, () => watch.capability(connection, from, to));
    },
    closed(connection, end) {
      connections.delete(connection);
      tell(report, () => book.closed(connection.id, end.by, end.code, end.at));
      owners.disconnect(connection.session.owner);
      // A session that can be resumed gives its owner back when it ends.
      if (!connection.session.optedIn) owners.release(connection.session.owner);
      tell(report, () => watch.closed(connection, end));
    },
  };
}
