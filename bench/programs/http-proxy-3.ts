// Peer program: http-proxy-3 with its defaults. Arguments: listen port, upstream URL.
import http from 'node:http';
import { createProxyServer } from 'http-proxy-3';

const [listen, upstream] = process.argv.slice(2) as [string, string];
const socketPath = /^unix:(.*)/.exec(upstream)?.[1];
// In the file system host and port are only names.
const target = socketPath === undefined ? upstream : { host: 'localhost', port: 80, socketPath };
const proxy = createProxyServer({ target, ws: true });
// A client that leaves is no fault of the proxy's.
proxy.on('error', () => {});
const server = http.createServer((req, res) => proxy.web(req, res));
server.on('upgrade', (req, socket, head) => proxy.ws(req, socket, head));
server.listen({ port: Number(listen), host: '127.0.0.1', backlog: 4096 });
