// Test support: parts of a connection for tests about something else: an upgrade request, and an opted-in client.

import type { ConnectionFacts } from '../../src/connection/parts.ts';
import type { ResumableSession } from '../../src/connection/resumable-session.ts';
import { createResumption, type Opening } from '../../src/connection/resumption.ts';
import { Owner } from '../../src/delivery/session.ts';
import type { Tracker } from '../../src/delivery/tracker.ts';
import { createSessionCounters } from '../../src/resume/counters.ts';
import { createRegistry } from '../../src/resume/registry.ts';
import { createTokens, type Tokens } from '../../src/resume/token.ts';

export const FACTS: ConnectionFacts = {
  ...{ id: 'c-1', seq: 1, remote: '', path: '/', host: '', port: 0 },
  ...{ subprotocol: undefined, openedAt: 1 },
};

/** A new session of a client that has opted in; `begin` it with its connection. */
export function openSession(tracker: Tracker, tokens: Tokens = createTokens(['key'], 60_000)): Opening {
  const counters = createSessionCounters();
  const resumption = createResumption({
    ...{ registry: createRegistry<ResumableSession>(tokens, 10, counters.resume), tracker, counters },
    ...{ ttlMs: 60_000, reloadMs: 60_000, silenceMs: 0, now: () => 1, ended() {}, report() {} },
  });
  const asked = { optIn: { session: undefined, token: '', last: 0 }, user: undefined, claim: undefined };
  return resumption.open(asked, new Owner(undefined), '')!;
}
