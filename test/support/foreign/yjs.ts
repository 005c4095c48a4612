// Test support: Yjs: a provider of y-websocket; the server keeps the document with y-protocols. Every message is binary.
import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { WebSocket } from 'ws';
import { readSyncMessage, writeSyncStep1, writeUpdate } from 'y-protocols/sync';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { type ForeignApp, NOTES, wsOf } from './app.ts';
import { serveWs } from './ws-server.ts';

const SYNC = 0;

/** A message of the sync protocol. */
function sync(write: (encoder: encoding.Encoder) => void): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, SYNC);
  write(encoder);
  return encoding.toUint8Array(encoder);
}

export const yjs: ForeignApp = {
  serve: () =>
    serveWs((socket) => {
      const doc = new Y.Doc();
      doc.on('update', (update: Uint8Array, origin: unknown) => {
        if (origin !== socket) socket.send(sync((encoder) => writeUpdate(encoder, update)));
      });
      // The client asks for the notes by an edit of its own. They follow it, because an update
      // holds all edits made until it is sent.
      const answer = () => {
        for (let n = 1; n <= NOTES; n++) doc.getArray('notes').push([`e${n}`]);
      };
      doc.getText('ask').observe(() => queueMicrotask(answer));
      socket.send(sync((encoder) => writeSyncStep1(encoder, doc)));
      socket.on('message', (data: Buffer) => {
        const decoder = decoding.createDecoder(new Uint8Array(data));
        if (decoding.readVarUint(decoder) !== SYNC) return;
        const answer = sync((encoder) => readSyncMessage(decoder, encoder, doc, socket));
        if (answer.length > 1) socket.send(answer);
      });
    }),
  async converse(address) {
    const doc = new Y.Doc();
    const notes = doc.getArray<string>('notes');
    const all = new Promise<void>((resolve) => {
      notes.observe(() => {
        if (notes.length === NOTES) resolve();
      });
    });
    const polyfill = WebSocket as unknown as typeof globalThis.WebSocket;
    const provider = new WebsocketProvider(wsOf(address), 'room', doc, {
      WebSocketPolyfill: polyfill,
      disableBc: true,
    });
    provider.once('sync', () => doc.getText('ask').insert(0, 'notes'));
    await all;
    provider.destroy();
    return notes.toArray();
  },
};
