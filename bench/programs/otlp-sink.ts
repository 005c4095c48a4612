// A live OTLP/HTTP receiver that reads and discards every body, and says how many bytes it got. Prints its port.
import http from 'node:http';
import type { AddressInfo } from 'node:net';

let bytes = 0;
const server = http.createServer((req, res) => {
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  req.on('end', () => {
    res.setHeader('content-type', 'application/json');
    res.end(req.method === 'GET' ? JSON.stringify({ bytes }) : '{}');
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port));
