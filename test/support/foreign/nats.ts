// Test support: NATS over WebSocket: Debian's nats-server, and a client of @nats-io/nats-core. Every message is binary.
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { wsconnect } from '@nats-io/nats-core';
import { WebSocket } from 'ws';
import { atEnd } from '../backends.ts';
import { eventually, startChild } from '../child.ts';
import { findProgram } from '../component.ts';
import { createInbox, type ForeignApp, NOTES, wsOf } from './app.ts';

export const nats: ForeignApp = {
  needs: ['nats-server'],
  joins: true,
  async serve() {
    const folder = mkdtempSync(join(tmpdir(), 'ackspan-nats-'));
    atEnd(() => rmSync(folder, { recursive: true, force: true }));
    const config = join(folder, 'nats.conf');
    writeFileSync(config, 'listen: "127.0.0.1:-1"\nwebsocket { listen: "127.0.0.1:-1", no_tls: true }\n');
    startChild(findProgram('nats-server')!, ['--config', config, '--ports_file_dir', folder]);
    // The server chooses its ports and writes them down.
    const ports = await eventually(() => {
      const file = readdirSync(folder).find((name) => name.endsWith('.ports'));
      return JSON.parse(readFileSync(join(folder, file!), 'utf8')) as { websocket: string[] };
    });
    return ports.websocket[0]!.replace('ws', 'http');
  },
  async converse(address) {
    const inbox = createInbox();
    const client = await wsconnect({
      servers: wsOf(address),
      reconnect: false,
      wsFactory: async (url) => ({ socket: new WebSocket(url) as never, encrypted: false }),
    });
    client.subscribe('notes.*', {
      callback: (_, { subject, data }) => inbox.put([subject, String(Buffer.from(data))]),
    });
    for (let n = 1; n <= NOTES; n++) client.publish(`notes.${n}`, `{"event_id":"e${n}"}`);
    const got = await inbox.all;
    await client.drain();
    return got;
  },
};
