// An attempt that its client has given up, and that an instance reads when it wakes: it takes nothing from anybody.
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { asking, optIn, type Welcome } from '../support/opted-in.ts';
import { startShared } from '../support/shared-store.ts';
import { expectHealthyLog, type SidecarProcess } from '../support/sidecar-process.ts';

afterEach(closeAll);

const NO_LOSS = { failed: 0, timeout: 0, unverifiable: 0 };

/** Asks for a session on a connection that is then given up. */
async function giveUp({ port }: SidecarProcess, welcome: Welcome, how: 'FIN' | 'RST'): Promise<void> {
  const socket = connect(port, '127.0.0.1').on('error', () => {});
  atEnd(() => void socket.destroy());
  await once(socket, 'connect');
  const lines = [
    `GET /ws?user=ann&${asking(welcome, 3)} HTTP/1.1`,
    ...['Host: here', 'Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'],
    ...['Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', '', ''],
  ];
  await new Promise((resolve) => socket.write(lines.join('\r\n'), resolve));
  if (how === 'FIN') socket.end();
  else socket.resetAndDestroy();
}

describe.skipIf(missing('redis-server'))('[R10] an attempt that was given up while its instance stood still', () => {
  it.each(['FIN', 'RST'] as const)(
    'takes the session from no client that came elsewhere with the same token: %s',
    async (how) => {
      const shared = await startShared();
      const [first, second] = [await shared.start(), await shared.start()];
      const before = await optIn(`${first.ws}/ws`, 'user=ann&ackspan=1');
      const run = await shared.runOf('ann');
      for (let i = 0; i < 3; i++) shared.backend.emit(run);
      await before.frames(3);
      before.socket.terminate();
      second.signal('SIGSTOP');
      await giveUp(second, before.welcome, how);
      const live = await optIn(`${first.ws}/ws`, `user=ann&${asking(before.welcome, 3)}`);
      expect(live.welcome.session).toBe(before.welcome.session);
      second.signal('SIGCONT');
      const read = eventually(async () =>
        expect(await second.sum('ackspan_connection_rejected_total', { reason: 'client_gone' })).toBe(1),
      );
      expect(await Promise.race([live.closed, read.then(() => 'read')])).toBe('read');
      live.say({ ackspan: 'confirm', through: 3, s: 1 });
      await first.reach({ pending: 0, confirmed: 3, ...NO_LOSS });
      expect(live.socket.readyState).toBe(WebSocket.OPEN);
      for (const each of [first, second]) expectHealthyLog(each);
    },
  );
});
