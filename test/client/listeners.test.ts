// Listeners that change while a message is handed over, and events of the application's own: whose results count for the message.
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AckspanSocket } from '../../src/client/socket.ts';
import { createFakeNetwork } from './fake-network.ts';
import { FakeSidecar } from './fake-sidecar.ts';

let socket: AckspanSocket;
const sidecar = () => network.sidecar.session;
let network: ReturnType<typeof createFakeNetwork<FakeSidecar['session']>> & { sidecar: FakeSidecar };

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  const fake = new FakeSidecar();
  network = Object.assign(createFakeNetwork(fake), { sidecar: fake });
  socket = new AckspanSocket('ws://sidecar/', [], { WebSocket: network.WebSocket });
  while (network.connection.stepDown());
});
afterEach(async () => {
  vi.restoreAllMocks();
  const closed = new Promise((resolve) => socket.addEventListener('close', resolve));
  socket.close();
  await closed;
});

/** Brings messages, and what the sidecar is told of them at once. */
function bring(...texts: string[]): void {
  for (const text of texts) sidecar().push(text);
  while (network.connection.stepDown());
}

/** Resolves when the sidecar knows what became of `n` messages. */
async function judged(n: number): Promise<void> {
  await vi.waitFor(() => {
    while (network.connection.stepUp());
    expect(sidecar().confirmed.size + sidecar().rejected.size).toBe(n);
  });
}

test('[R3] onmessage that an earlier listener replaces: the new one gets the message, and decides what is said', async () => {
  const got: string[] = [];
  socket.addEventListener('message', ({ data }) => {
    socket.onmessage = (event) => {
      got.push(`new ${event.data}`);
      if (event.data === 'bad') throw new Error('new failed');
    };
    got.push(`first ${data}`);
  });
  socket.onmessage = () => got.push('old');
  bring('good', 'bad');
  await judged(2);
  expect(got).toEqual(['first good', 'new good', 'first bad', 'new bad']);
  expect([...sidecar().rejected]).toEqual([[2, 'Error: new failed']]);
});

test('onmessage keeps its place when it is replaced, and takes the last one when it was unset in between', () => {
  const got: string[] = [];
  socket.onmessage = () => got.push('one');
  socket.addEventListener('message', () => got.push('listener'));
  socket.onmessage = () => got.push('two');
  bring('1');
  socket.onmessage = null;
  socket.onmessage = () => got.push('three');
  bring('2');
  expect(got).toEqual(['two', 'listener', 'listener', 'three']);
});

test('onmessage that replaces itself: the new one gets the next message', () => {
  const got: string[] = [];
  socket.onmessage = () => {
    got.push('login');
    socket.onmessage = ({ data }) => got.push(data);
  };
  bring('1', '2', '3');
  expect(got).toEqual(['login', '2', '3']);
});

test.each([
  ['throws', () => expect.unreachable('of its own')],
  ['never finishes', () => new Promise(() => {})],
])('[R3] a listener of an event of the application that %s says nothing of the message at hand', async (_, listen) => {
  socket.addEventListener('mine' as 'open', listen);
  socket.onmessage = () => {
    socket.dispatchEvent(new Event('mine'));
  };
  bring('1');
  await judged(1);
  expect([...sidecar().confirmed]).toEqual([1]);
});

test('[R3] a message event of the application says nothing of the message at hand', async () => {
  const got: string[] = [];
  socket.onmessage = ({ data }) => {
    got.push(data);
    if (data === 'own') throw new Error('of its own');
    socket.dispatchEvent(new MessageEvent('message', { data: 'own' }));
  };
  bring('1');
  await judged(1);
  expect(got).toEqual(['1', 'own']);
  expect([...sidecar().confirmed]).toEqual([1]);
});
