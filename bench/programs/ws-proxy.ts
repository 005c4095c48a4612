// Peer program: two ws endpoints back to back. Arguments: listen port, upstream URL, [--deflate] [--otel].
import { type RawData, WebSocket, WebSocketServer } from 'ws';

const [listen, upstream] = process.argv.slice(2) as [string, string];
const deflate = process.argv.includes('--deflate');
const compression = deflate ? { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true } : false;
const watch = process.argv.includes('--otel')
  ? await import('./otel-calls.js').then((m) => m.startOtelCalls())
  : undefined;

const server = new WebSocketServer({
  port: Number(listen),
  host: '127.0.0.1',
  backlog: 4096,
  perMessageDeflate: compression,
});
server.on('connection', (client, request) => {
  const backend = new WebSocket(`${upstream.replace(/^http/, 'ws')}${request.url}`, { perMessageDeflate: compression });
  const early: RawData[] = [];
  backend.on('open', () => {
    for (const data of early) backend.send(data, { binary: false });
  });
  backend.on('message', (data, binary) => {
    if (watch !== undefined && !binary) watch.sent(data as Buffer);
    client.send(data, { binary });
  });
  client.on('message', (data, binary) => {
    if (watch !== undefined && !binary) watch.confirmed(data as Buffer);
    if (backend.readyState === WebSocket.OPEN) backend.send(data, { binary });
    else early.push(data);
  });
  backend.on('close', () => client.close());
  client.on('close', () => backend.close());
  // Either side may be cut off: its close event ends the other.
  backend.on('error', () => client.terminate());
  client.on('error', () => backend.terminate());
});
