// docker-compose: the demo's agent backend as a server of its own. It knows nothing of the sidecar in front of it. PORT, default 8000.
import { WebSocketServer } from 'ws';
import { answer } from '../../dist/demo/agent.js';
import { createRun } from '../../dist/demo/agent-events.js';
import { createDispatcher } from '../../dist/demo/dispatcher.js';
import { costAnalyzer, currencyConverter, webSearch } from '../../dist/demo/tools.js';

const TOOL_MS = 80;
const HEARTBEAT_MS = 2_000;
const port = Number(process.env.PORT ?? 8000);

const dispatcher = createDispatcher(() => new Promise((done) => setTimeout(done, TOOL_MS)));
for (const tool of [costAnalyzer, currencyConverter, webSearch]) dispatcher.register(tool);
let runs = 0;

const server = new WebSocketServer({ port });
server.on('connection', (socket, request) => {
  const user = (request.url ?? '').split('/').at(-1) ?? '';
  const emit = (event) => {
    if (socket.readyState !== socket.OPEN) return false;
    socket.send(JSON.stringify(event));
    return true;
  };
  emit({ type: 'connection_established', data: { user_id: user } });
  const heartbeat = setInterval(() => emit({ type: 'heartbeat', timestamp: Date.now() / 1000 }), HEARTBEAT_MS);
  socket.on('message', (data) => {
    const message = JSON.parse(String(data));
    if (message.type === 'user_message') void answer(String(message.text), createRun(++runs, user), dispatcher, emit);
  });
  socket.on('close', () => clearInterval(heartbeat));
  // Clients that vanish are what is shown here; 'close' follows.
  socket.on('error', () => {});
});
server.on('listening', () => console.log(JSON.stringify({ msg: 'listening', port: server.address().port })));
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => process.exit(0));
