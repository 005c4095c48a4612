// cli: starts the bundled sidecar, lets one event through, and keeps the code compiled for it. Run by bundle.mjs.
import { once } from 'node:events';
import { Command } from 'commander';
import { WebSocket, WebSocketServer } from 'ws';

const { bundle } = await import('../../dist/command/run.js');
const { defineRun, createSidecar } = bundle.exports;

const backend = new WebSocketServer({ port: 0, host: '127.0.0.1' });
await once(backend, 'listening');
backend.on('connection', (socket) => socket.send('{"type":"tool_executing","event_id":"warm"}'));

/** Resolves when an event has been confirmed and the metrics have been read. */
async function use({ listen, admin }) {
  const client = new WebSocket(`ws://127.0.0.1:${listen.port}/`);
  await once(client, 'message');
  const ask = async (path) => (await fetch(`http://127.0.0.1:${admin.port}${path}`)).text();
  while (JSON.parse(await ask('/api/v1/stats')).confirmed === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  await ask('/metrics');
}

// An exporter is part of most starts. Nobody listens there, and the process ends before it could matter.
process.env.OTEL_EXPORTER_OTLP_ENDPOINT = 'http://127.0.0.1:9';
const command = new Command();
defineRun(async () => (deps) => {
  const sidecar = createSidecar(deps);
  const start = async () => {
    const addresses = await sidecar.start();
    setImmediate(async () => {
      await use(addresses);
      bundle.keep();
      process.exit(0);
    });
    return addresses;
  };
  return { start, stop: sidecar.stop };
})(command);
const options = { upstream: `http://127.0.0.1:${backend.address().port}`, listen: '127.0.0.1:0', admin: '127.0.0.1:0' };
await command.parseAsync(
  Object.entries(options).flatMap(([name, value]) => [`--${name}`, value]),
  { from: 'user' },
);
