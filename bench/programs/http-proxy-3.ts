// Peer program: http-proxy-3 with its defaults. Arguments: listen port, upstream port.
import http from 'node:http';
import { createProxyServer } from 'http-proxy-3';

const [listen, upstream] = process.argv.slice(2).map(Number) as [number, number];
const proxy = createProxyServer({ target: `http://127.0.0.1:${upstream}`, ws: true });
// A client that leaves is no fault of the proxy's.
proxy.on('error', () => {});
const server = http.createServer((req, res) => proxy.web(req, res));
server.on('upgrade', (req, socket, head) => proxy.ws(req, socket, head));
server.listen({ port: listen, host: '127.0.0.1', backlog: 4096 });
