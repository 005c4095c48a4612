// example: a chat room on `ws`. What one member says goes to all members; each message has an id.
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';

const page = readFileSync(new URL('./index.html', import.meta.url));

const server = createServer((request, response) => {
  if (request.url !== '/') response.writeHead(404).end();
  else response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(page);
});

const room = new WebSocketServer({ server, path: '/chat', maxPayload: 64 * 1024 });
room.on('connection', (member) => {
  member.on('message', (data) => {
    const said = read(data);
    if (said === undefined) return;
    // One message has one id, whoever gets it: the sidecar tells its deliveries apart by connection.
    const text = JSON.stringify({ type: 'chat_message', message_id: randomUUID(), ...said });
    for (const other of room.clients) if (other.readyState === WebSocket.OPEN) other.send(text);
  });
  // A member who breaks the protocol or is cut off; 'close' follows.
  member.on('error', () => {});
});

/** What a member said; undefined when it is not a message of this chat. */
function read(data) {
  try {
    const { from, text } = JSON.parse(String(data));
    return typeof from === 'string' && typeof text === 'string' ? { from, text } : undefined;
  } catch {
    return undefined;
  }
}

server.listen(Number(process.env.PORT ?? 8000), '127.0.0.1', () => {
  console.log(`The chat listens on http://127.0.0.1:${server.address().port}`);
});
