// Test support: what a connection is given when the test is about something else: an upgrade request of no interest, and a client that has not opted in.

import type { OptedIn } from '../../src/connection/opted-in.ts';
import type { ConnectionFacts } from '../../src/connection/parts.ts';

export const FACTS: ConnectionFacts = {
  ...{ id: 'c-1', seq: 1, remote: '', path: '/', host: '', port: 0 },
  ...{ subprotocol: undefined, openedAt: 1 },
};

export const PLAIN: OptedIn = {
  greet() {},
  clientText: () => false,
  missed() {},
  notice: () => undefined,
  resend: () => 'failed',
  lost: () => false,
  closed() {},
};
