// Test support: STOMP 1.2 over WebSocket: a client of @stomp/stompjs; the few frames of the server are written by hand.
import { Client } from '@stomp/stompjs';
import { WebSocket } from 'ws';
import { createInbox, type ForeignApp, NOTES, wsOf } from './app.ts';
import { serveWs } from './ws-server.ts';

function frame(command: string, headers: Readonly<Record<string, string>>, body = ''): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  return `${command}\n${lines.join('')}\n${body}\0`;
}

export const stomp: ForeignApp = {
  serve: () =>
    serveWs(
      (socket) =>
        socket.on('message', (data) => {
          const text = String(data);
          const header = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(text)?.[1] ?? '';
          if (text.startsWith('CONNECT')) socket.send(frame('CONNECTED', { version: '1.2', 'heart-beat': '0,0' }));
          else if (text.startsWith('SUBSCRIBE')) {
            for (let n = 1; n <= NOTES; n++) {
              const headers = { subscription: header('id'), 'message-id': `m${n}`, destination: '/queue/notes' };
              socket.send(frame('MESSAGE', headers, `{"event_id":"e${n}"}`));
            }
          } else if (text.startsWith('DISCONNECT')) socket.send(frame('RECEIPT', { 'receipt-id': header('receipt') }));
        }),
      { handleProtocols: () => 'v12.stomp' },
    ),
  async converse(address) {
    const inbox = createInbox();
    const client = new Client({
      webSocketFactory: () => new WebSocket(wsOf(address), ['v12.stomp']),
      reconnectDelay: 0,
      heartbeatIncoming: 0,
      heartbeatOutgoing: 0,
      onConnect: () =>
        client.subscribe('/queue/notes', ({ headers, body }) => inbox.put([headers['message-id'], body])),
    });
    client.activate();
    const got = await inbox.all;
    await client.deactivate();
    return got;
  },
};
