// The live OTLP receiver that takes what the proxies export, as a process of its own.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { adopt } from './children.ts';

/** Starts it; it ends with `stop(child)`. */
export async function startSink(): Promise<{ port: number; child: ChildProcess }> {
  const child = adopt(fork(fileURLToPath(new URL('./programs/otlp-sink.js', import.meta.url))));
  const [port] = (await once(child, 'message')) as [number];
  return { port, child };
}
