// Storm: clients that use the SDK, with handlers that are sync, async, and sometimes fail.
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { WebSocket as Ws } from 'ws';
import { now } from '../load/timing.ts';
import { built } from './built.ts';
import type { Plan } from './plan.ts';
import { type ConnectionRecord, keyOf } from './record.ts';
import { eventIdIn } from './wire.ts';

interface SdkSocket {
  onmessage: ((event: { readonly data: unknown }) => unknown) | null;
  onclose: (() => void) | null;
  onerror: (() => void) | null;
  close(code?: number): void;
}
type SdkClass = new (url: string, protocols: string[], options: object) => SdkSocket;

const require = createRequire(import.meta.url);

export type SdkRunner = (port: number, plan: Plan, record: ConnectionRecord) => Promise<void>;

export async function loadSdk(): Promise<SdkRunner> {
  // Handlers that fail are part of the plan: the SDK shows their errors here.
  Object.assign(globalThis, { reportError: () => {} });
  const { AckspanSocket } = (await import(pathToFileURL(built('client/socket.js')).href)) as {
    AckspanSocket: SdkClass;
  };
  const { WebSocket } = require('ws') as { WebSocket: typeof Ws };
  return (port, plan, record) =>
    new Promise((resolve) => {
      /** Sees what the stack below the SDK parses. */
      class Seen extends WebSocket {
        constructor(url: string, protocols?: string | string[]) {
          super(url, protocols, { perMessageDeflate: false });
          record.clients++;
          this.on('message', (data) => {
            const id = eventIdIn(data as Buffer);
            if (id !== '') record.parsed.set(keyOf(record, id, 0), record.parsed.get(id) ?? now());
          });
          this.on('open', () => {
            record.opened = true;
          });
          this.on('error', () => {});
        }
      }
      const options = { WebSocket: Seen, minDelayMs: 50, maxDelayMs: 400 };
      const socket = new AckspanSocket(`ws://127.0.0.1:${port}/c/${plan.id}`, [], options);
      const due = plan.events.reduce((sum, { gap }) => sum + gap, 0);
      let over = false;
      const end = (): void => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        record.notes.push(`${now()}: SDK client closes`);
        socket.close(1000);
        // A close handshake that nobody answers has no end of its own here.
        setTimeout(end, 2000);
      }, due + plan.stayMs);
      socket.onclose = end;
      socket.onerror = () => {};
      socket.onmessage = ({ data }) => {
        const id = eventIdIn(Buffer.from(String(data).slice(0, 120)));
        const n = Number(/\.(\d+)$/.exec(id)?.[1] ?? 0);
        const event = plan.events[n - 1];
        const say = (ok: boolean): void => {
          record.said.push({ id, ok, at: now(), after: record.parsed.size });
        };
        if (event === undefined) return undefined;
        if (event.wordMs % 2 === 0) {
          say(event.ok);
          if (!event.ok) throw new Error('no');
          return undefined;
        }
        return new Promise<void>((resolved, rejected) => {
          setTimeout(() => {
            say(event.ok);
            if (event.ok) resolved();
            else rejected(new Error('no'));
          }, event.wordMs * 3);
        });
      };
    });
}
