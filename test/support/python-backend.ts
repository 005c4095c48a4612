// Test support: backends and clients in Python, as real programs of Debian's interpreter.

import { fileURLToPath } from 'node:url';
import { type Child, startChild } from './child.ts';
import { freePort } from './free-port.ts';

export interface PythonBackend extends Child {
  readonly address: string;
  readonly port: number;
}

export interface Heartbeat {
  readonly port?: number;
  /**
   * Seconds between the backend's own pings, and how long it waits for a pong before it gives the
   * client up. Default 20.
   */
  readonly interval?: number;
  readonly timeout?: number;
}

/** The server that carries the backend; uvicorn may use either of two WebSocket implementations. */
export type PythonServer = 'websockets' | 'uvicorn-websockets' | 'uvicorn-wsproto';

/** Starts a backend that obeys messages: `emit` (count, every, name), `note` (n), `report`. */
export async function startPythonBackend(server: PythonServer, beat: Heartbeat = {}): Promise<PythonBackend> {
  const [program, implementation] = server.split('-');
  const args = [beat.port ?? (await freePort()), beat.interval ?? 20, beat.timeout ?? 20].map(String);
  const child = python(`${program}_backend.py`, implementation === undefined ? args : [...args, implementation]);
  const { listening } = await child.line((line) => 'listening' in line);
  return { ...child, port: Number(listening), address: `http://127.0.0.1:${String(listening)}` };
}

/**
 * Starts a client that reads everything and sends these messages first; resolves when it is
 * connected.
 */
export async function startPythonClient(url: string, messages: readonly object[]): Promise<Child> {
  const child = python('client.py', [url, ...messages.map((message) => JSON.stringify(message))]);
  await child.line((line) => 'connected' in line);
  return child;
}

function python(script: string, args: readonly string[]): Child {
  const path = fileURLToPath(new URL(`./python/${script}`, import.meta.url));
  return startChild('/usr/bin/python3', [path, ...args], { PYTHONDONTWRITEBYTECODE: '1' });
}
