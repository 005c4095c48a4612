// Which words and pongs of a client are waited for, as its barriers show (SPEC D15, D24).
import { expect, it } from 'vitest';
import { BarrierSender } from '../../src/connection/barrier-sender.ts';
import type { ConnectionDeps } from '../../src/connection/parts.ts';
import type { SpliceHandle } from '../../src/relay/splice-handle.ts';
import { facts, setUp } from '../delivery/harness.ts';

it('[D24] words of a client that has opted in are due, though nothing it said has come: its first pong may lie behind an upload', () => {
  const { tracker, connect, start } = setUp();
  const session = connect(undefined, false);
  session.optedIn = true;
  const deps = { decoder: { tracks: true }, relay: { limits: { patienceMs: 500 } } };
  const sender = new BarrierSender(session, {} as SpliceHandle, deps as unknown as ConnectionDeps, start - 5000);
  expect(sender.wordsDue(start)).toBe(false);
  tracker.track(session, facts(), 1, start);
  expect(sender.wordsDue(start + 499)).toBe(true);
  expect(sender.wordsDue(start + 500)).toBe(false);
});
