// example: a build server that streams its log, and serves the page with the SDK. It knows nothing of a sidecar.
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

const STEPS = ['checkout', 'install', 'compile', 'test', 'package', 'publish'];
const STEP_MS = 300;

const server = createServer(async (request, response) => {
  // The SDK as it is built; an application has it from `ackspan/client` through its bundler.
  const module = /^\/ackspan\/(\w+\.js)$/.exec(request.url ?? '')?.[1];
  const file = request.url === '/' ? './index.html' : module && `../../dist/client/${module}`;
  try {
    if (!file) throw new Error('no such page');
    const body = await readFile(new URL(file, import.meta.url));
    response.writeHead(200, { 'content-type': module ? 'text/javascript' : 'text/html; charset=utf-8' }).end(body);
  } catch {
    response.writeHead(404).end();
  }
});

let builds = 0;

new WebSocketServer({ server, path: '/builds' }).on('connection', (socket) => {
  const timers = new Set();
  socket.on('message', () => {
    const build = ++builds;
    let step = 0;
    const timer = setInterval(() => {
      const name = STEPS[step++];
      socket.send(JSON.stringify({ type: 'build_step', event_id: `build-${build}-${name}`, build, name }));
      if (step === STEPS.length) clearInterval(timer);
    }, STEP_MS);
    timers.add(timer);
  });
  socket.on('close', () => {
    for (const timer of timers) clearInterval(timer);
  });
  // A client that is cut off; 'close' follows.
  socket.on('error', () => {});
});

server.listen(Number(process.env.PORT ?? 8000), '127.0.0.1', () => {
  console.log(`The build server listens on http://127.0.0.1:${server.address().port}`);
});
