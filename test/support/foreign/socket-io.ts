// Test support: Socket.IO, both ends its own: long polling first, then the upgrade, as its defaults have it.
import { createServer } from 'node:http';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { atEnd, listenOn } from '../backends.ts';
import { createInbox, type ForeignApp, NOTES } from './app.ts';

export const socketIo: ForeignApp = {
  async serve() {
    const http = createServer();
    const server = new Server(http);
    server.on('connection', (socket) => {
      socket.on('begin', () => {
        for (let n = 1; n < NOTES; n++) socket.emit('note', { event_id: `e${n}`, n });
        socket.emit('bytes', Buffer.from('attachment'));
      });
    });
    const port = await listenOn(http);
    atEnd(() => void server.close());
    return `http://127.0.0.1:${port}`;
  },
  async converse(address) {
    const inbox = createInbox();
    const client = io(address, { reconnection: false, forceNew: true });
    client.on('note', (note) => inbox.put(note));
    client.on('bytes', (bytes) => inbox.put(String(bytes)));
    // Either may come first.
    const upgraded = new Promise<void>((resolve) => client.io.engine.once('upgrade', () => resolve()));
    await new Promise<void>((resolve, reject) => client.once('connect', resolve).once('connect_error', reject));
    await upgraded;
    client.emit('begin');
    const got = await inbox.all;
    client.disconnect();
    return got;
  },
};
