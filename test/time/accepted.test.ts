// time: a wait and a client that comes while the loop is blocked, with real sockets: its loop is a thread of its own.
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';
import { patiently } from '../../src/time/patience.ts';

/** Connects and writes when it is told to, and then wakes the thread that sleeps. */
const CLIENT = `
  const { parentPort, workerData } = require('node:worker_threads');
  const woken = new Int32Array(workerData.woken);
  const wake = () => { Atomics.store(woken, 0, 1); Atomics.notify(woken, 0); };
  parentPort.once('message', () => {
    const socket = require('node:net').connect(workerData.port, '127.0.0.1', () => socket.write('request', wake));
    socket.on('error', wake);
  });
  parentPort.postMessage('ready');
`;

it('[D14] a client that had come, with its request, before a wait was over is accepted and read first', async () => {
  const seen: string[] = [];
  const server = createServer((socket) => {
    seen.push('accepted');
    socket.once('data', (data) => seen.push(String(data)));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const woken = new SharedArrayBuffer(4);
  const { port } = server.address() as AddressInfo;
  const worker = new Worker(CLIENT, { eval: true, workerData: { port, woken } });
  await once(worker, 'message');
  const over = new Promise<void>((resolve) => {
    patiently(1, () => {
      seen.push('over');
      resolve();
    });
  });
  // The loop is blocked, in no phase in which it reads, until the request has been written.
  setImmediate(() => {
    worker.postMessage('go');
    expect(Atomics.wait(new Int32Array(woken), 0, 0)).toBe('ok');
  });
  await over;
  expect(seen).toEqual(['accepted', 'request', 'over']);
  await worker.terminate();
  server.close();
});
