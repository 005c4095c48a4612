// Test support: Centrifugo's JSON protocol: a client of centrifuge-js; the few replies of the server are written by hand.
import { Centrifuge } from 'centrifuge';
import { WebSocket } from 'ws';
import { createInbox, type ForeignApp, NOTES, wsOf } from './app.ts';
import { serveWs } from './ws-server.ts';

interface Command {
  readonly id: number;
  readonly connect?: object;
  readonly subscribe?: { readonly channel: string };
}

export const centrifugo: ForeignApp = {
  joins: true,
  serve: () =>
    serveWs((socket) => {
      const say = (...replies: object[]) => socket.send(replies.map((each) => JSON.stringify(each)).join('\n'));
      socket.on('message', (data) => {
        for (const line of String(data).split('\n')) {
          const { id, connect, subscribe } = JSON.parse(line) as Command;
          if (connect !== undefined) say({ id, connect: { client: 'c', version: '6', ping: 25, pong: true } });
          if (subscribe === undefined) continue;
          const { channel } = subscribe;
          const push = (n: number) => ({ push: { channel, pub: { data: { event_id: `e${n}` }, offset: n } } });
          say({ id, subscribe: {} });
          // Some alone, some together, as the real one writes them.
          for (let n = 1; n <= NOTES / 2; n++) say(push(n));
          say(...Array.from({ length: NOTES / 2 }, (_, i) => push(NOTES / 2 + 1 + i)));
        }
      });
    }),
  async converse(address) {
    const inbox = createInbox();
    const client = new Centrifuge(`${wsOf(address)}/connection/websocket`, { websocket: WebSocket });
    const notes = client.newSubscription('notes');
    notes.on('publication', ({ data, offset }) => inbox.put([offset, data]));
    notes.subscribe();
    client.connect();
    const got = await inbox.all;
    const left = new Promise((resolve) => client.once('disconnected', resolve));
    client.disconnect();
    await left;
    return got;
  },
};
