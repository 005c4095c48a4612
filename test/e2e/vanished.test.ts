// Clients that vanish where no barrier can be written: the system's own questions, as /proc/net/tcp shows them.
import { readFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { closeAll, rawUpstream, switching } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { openRaw, PING } from '../support/raw-ws-client.ts';
import { sidecarHere } from '../support/sidecar-here.ts';

afterEach(closeAll);

/** A timer of TCP keep-alive in the column `tr` of /proc/net/tcp. */
const KEEP_ALIVE = '02';
/** The start of a text frame of 256 bytes, of which no more comes. */
const HALF_A_FRAME = '\x81\x7e\x01\x00{"type":"agent_started"';

/** The timer of the sidecar's socket to the client at `clientPort`, and in how many ms it is due. */
function timerOf(sidecarPort: number, clientPort: number): { kind: string; dueMs: number } {
  const hex = (port: number) => port.toString(16).toUpperCase().padStart(4, '0');
  const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n').slice(1);
  for (const row of rows) {
    const [, local = '', remote = '', , , timer = ''] = row.trim().split(/\s+/);
    if (!local.endsWith(`:${hex(sidecarPort)}`) || !remote.endsWith(`:${hex(clientPort)}`)) continue;
    const [kind = '', due = '0'] = timer.split(':');
    return { kind, dueMs: Number.parseInt(due, 16) * 10 };
  }
  throw new Error('there is no such socket');
}

/** A client that has answered its first barrier, before a backend that has sent half a frame. */
async function inTheMiddle(limits: object) {
  const upstream = await rawUpstream();
  const { port } = await sidecarHere(upstream.address, { limits });
  const opening = openRaw(port);
  const backend = await upstream.next();
  await backend.head();
  backend.send(switching());
  const client = await opening;
  client.onFrame(({ opcode, payload }) => opcode === PING && client.pong(payload));
  const { bytesRead } = client.socket;
  await eventually(() => expect(client.frames.map(({ opcode }) => opcode)).toEqual([PING]));
  backend.send(HALF_A_FRAME);
  await eventually(() => expect(client.socket.bytesRead).toBeGreaterThan(bytesRead + HALF_A_FRAME.length - 1));
  return { port, clientPort: client.socket.localPort! };
}

it.runIf(process.platform === 'linux')(
  '[D22] a client that vanishes in the middle of a frame is asked for by the system',
  async () => {
    const { port, clientPort } = await inTheMiddle({ silence: '60s' });
    // Not before a barrier would have asked, and gone unanswered.
    const { dueMs } = await eventually(() => {
      const timer = timerOf(port, clientPort);
      expect(timer.kind).toBe(KEEP_ALIVE);
      return timer;
    });
    expect(dueMs).toBeGreaterThan(60_000);
    expect(dueMs).toBeLessThanOrEqual(120_000);
  },
);

it.runIf(process.platform === 'linux').each([
  ['24h', 32_767_000],
  ['100ms', 1000],
])('[D22] and so it is with a silence of %s, as far as the system can wait', async (silence, longest) => {
  const { port, clientPort } = await inTheMiddle({ silence });
  const { dueMs } = await eventually(() => {
    const timer = timerOf(port, clientPort);
    expect(timer.kind).toBe(KEEP_ALIVE);
    return timer;
  });
  expect(dueMs).toBeLessThanOrEqual(longest);
});

it.runIf(process.platform === 'linux')('[D22] without a limit on silence nobody asks', async () => {
  const { port, clientPort } = await inTheMiddle({ silence: '0ms' });
  await eventually(() => expect(timerOf(port, clientPort).kind).toBe('00'));
});
