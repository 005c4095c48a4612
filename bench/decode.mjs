// What reading a message costs, in ns of CPU: events and confirmations, as the sidecar's decoder is built. `--dist DIR` reads another build.
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const ROUNDS = 21;
const CALLS = 100_000;

const place = process.argv.indexOf('--dist');
const dist = resolve(place > 0 ? process.argv[place + 1] : 'dist');
const load = (name) => import(pathToFileURL(resolve(dist, name)).href);

const EVENT = (n) => ({
  type: 'tool_executing',
  run_id: 'run-7',
  user_id: 'user-3',
  timestamp: 1_772_366_400.123,
  payload: {
    tool_name: 'search',
    tool_call_id: `call-${n}`,
    parameters: { query: 'x'.repeat(80), event_id: `e-${n}` },
  },
});
const MESSAGES = {
  'event, 300 bytes': EVENT,
  'event that a rule leaves out': (n) => ({ type: 'heartbeat', n }),
  'array of 3 events': (n) => [EVENT(n), EVENT(n + 1), EVENT(n + 2)],
  'text that is no JSON': (n) => `tick ${n}`,
};
const WORDS = {
  confirmation: (n) => ({ type: 'event_confirmation', event_id: `e-${n}`, status: 'confirmed' }),
  "client's own message": (n) => ({ type: 'user_message', text: 'hello there', n }),
};

const bytesOf = (make) =>
  Array.from({ length: 64 }, (_, n) => {
    const message = make(n);
    return Buffer.from(typeof message === 'string' ? message : JSON.stringify(message));
  });

/** Median over the rounds, ns of CPU per call. */
function cost(call, buffers) {
  const rounds = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let i = 0; i < CALLS; i++) call(buffers[i & 63]);
    const { user, system } = process.cpuUsage(before);
    if (round > 0) rounds.push(((user + system) * 1000) / CALLS);
  }
  return rounds.sort((a, b) => a - b)[ROUNDS >> 1];
}

const { createDecoder } = await load('decode/decoder.js');
const { DEFAULT_DECODE_OPTIONS } = await load('decode/defaults.js');
const decoder = createDecoder(DEFAULT_DECODE_OPTIONS);
// A build from before protocols had readers of their own reads with the decoder itself.
const reader = decoder.open?.({ path: '/ws', subprotocol: undefined }) ?? decoder;
function read(buf) {
  reader.event(buf, 0, buf.length, buf.length, true);
  while (reader.more) reader.next();
}
const say = (buf) => reader.confirmation(buf, 0, buf.length);
const figures = [
  ...Object.entries(MESSAGES).map(([name, make]) => [name, cost(read, bytesOf(make))]),
  ...Object.entries(WORDS).map(([name, make]) => [name, cost(say, bytesOf(make))]),
];
for (const [name, ns] of figures) console.log(`${name.padEnd(30)} ${ns.toFixed(0).padStart(6)} ns`);
