// Conformance cases in which the ws end speaks of its own accord, in the order in which a real implementation does; the raw end answers by hand.
import type { WebSocket } from 'ws';
import { closePayload } from '../support/raw-frames.ts';
import { type Case, CLOSE, GO, type MakeFrame, PING, PONG, prose, type Step, TRACKED } from './conformance-case.ts';
import { DEFLATE } from './conformance-deflate.ts';

/** The ws end does this; the raw end waits for as many frames besides the echo, then does that. */
function far(name: string, act: (socket: WebSocket) => void, frames: number, then?: (f: MakeFrame) => Step[]): Case {
  return {
    name: `far end: ${name}`,
    far: act,
    steps: (f) => [f(GO), { frames: frames + 1 }, ...(then?.(f) ?? [])],
  };
}

const pings = [0, 1, 13, 15, 125].map((length) =>
  far(
    `a ping of ${length} bytes`,
    (socket) => socket.ping(prose(length)),
    1,
    (f) => [f(prose(length), { opcode: PONG }), f(TRACKED)],
  ),
);

const closes = [1000, 1001, 1003, 1008, 1011, 1012, 3000, 4999].flatMap((code): Case[] => [
  {
    ...far(
      `Close ${code}, answered`,
      (socket) => socket.close(code, 'enough'),
      1,
      (f) => [f(closePayload(code, 'enough'), { opcode: CLOSE })],
    ),
    ends: true,
  },
  {
    ...far(
      `Close ${code}, answered after more messages`,
      (socket) => socket.close(code),
      1,
      (f) => [f(TRACKED), f('p', { opcode: PING }), f(closePayload(code), { opcode: CLOSE })],
    ),
    ends: true,
  },
  {
    ...far(
      `Close ${code}, answered with FIN`,
      (socket) => socket.close(code),
      1,
      () => ['fin'],
    ),
    ends: true,
  },
]);

const bursts: Case[] = [
  far('50 messages', (socket) => many(socket, 50), 50),
  { ...far('50 messages, deflated', (socket) => many(socket, 50), 50), deflate: DEFLATE },
  far('1 MiB', (socket) => socket.send(prose(1 << 20)), 1),
  { ...far('1 MiB, deflated', (socket) => socket.send(prose(1 << 20)), 1), deflate: DEFLATE },
  { ...far('fragments with a ping between', inFragments, 4), answers: true },
  { ...far('fragments with a ping between, deflated', inFragments, 4), answers: true, deflate: DEFLATE },
  { ...far('50 pings between messages', pinging, 100), answers: true },
  { ...far('50 pings between messages, deflated', pinging, 100), answers: true, deflate: DEFLATE },
  far('two unanswered pings, the last answered', twoPings, 2, (f) => [f('two', { opcode: PONG })]),
  far('two pings, answered the wrong way round', twoPings, 2, (f) => [
    f('two', { opcode: PONG }),
    f('one', { opcode: PONG }),
  ]),
  { ...far('gone without a Close', (socket) => socket.terminate(), 0), ends: true },
  {
    ...far(
      'messages, then a Close at once',
      (socket) => {
        many(socket, 10);
        socket.close(1000);
      },
      11,
      (f) => [f(closePayload(1000), { opcode: CLOSE })],
    ),
    ends: true,
  },
];

function many(socket: WebSocket, count: number): void {
  for (let i = 0; i < count; i++) socket.send(TRACKED.replace('evt_1', `far_${i}`));
}

function inFragments(socket: WebSocket): void {
  socket.send('{"type":"x",', { fin: false });
  socket.ping('between');
  socket.send('"event_id":"f"', { fin: false });
  socket.send('}', { fin: true });
}

function pinging(socket: WebSocket): void {
  for (let i = 0; i < 50; i++) {
    socket.ping(`ping ${i}`);
    socket.send(TRACKED.replace('evt_1', `far_${i}`));
  }
}

function twoPings(socket: WebSocket): void {
  socket.ping('one');
  socket.ping('two');
}

export const FAR_CASES: readonly Case[] = [...pings, ...closes, ...bursts];
