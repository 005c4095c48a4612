// Test support: SignalR's JSON hub protocol: a client of @microsoft/signalr; the records of the server are written by hand.
import { HttpTransportType, HubConnectionBuilder, LogLevel } from '@microsoft/signalr';
import { createInbox, type ForeignApp, NOTES } from './app.ts';
import { serveWs } from './ws-server.ts';

/** Ends each record (ASP.NET's HubProtocol.md). */
const RS = '\x1e';

export const signalr: ForeignApp = {
  serve: () =>
    serveWs((socket) =>
      socket.on('message', (data) => {
        for (const record of String(data).split(RS).slice(0, -1)) {
          const { protocol, target } = JSON.parse(record) as { protocol?: string; target?: string };
          if (protocol !== undefined) socket.send(`{}${RS}`);
          if (target !== 'begin') continue;
          const note = (n: number) => JSON.stringify({ type: 1, target: 'note', arguments: [{ event_id: `e${n}` }] });
          for (let n = 1; n < NOTES; n++) socket.send(note(n) + RS);
          // Several records in one message, and a ping among them.
          socket.send(`{"type":6}${RS}${note(NOTES)}${RS}`);
        }
      }),
    ),
  async converse(address) {
    const inbox = createInbox();
    const client = new HubConnectionBuilder()
      .withUrl(`${address}/hub`, { skipNegotiation: true, transport: HttpTransportType.WebSockets })
      .configureLogging(LogLevel.None)
      .build();
    client.on('note', (note) => inbox.put(note));
    await client.start();
    await client.send('begin');
    const got = await inbox.all;
    await client.stop();
    return got;
  },
};
