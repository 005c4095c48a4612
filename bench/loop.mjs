// One event through the built modules, in one process without sockets: CPU and what survives, builds in turn.
// node bench/loop.mjs [--app] [--each] [--rounds N] [DIST …]   (default: dist; the first one is what the others are compared with)
import { fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import path from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';

const CONNECTIONS = 50;
const IN_FLIGHT = 16;
/** Turns of all connections in one round. */
const TURNS = 60;
const WARM_UP = 8;
const MASK = Buffer.from([0x5a, 0x13, 0xc4, 0x7e]);
const PING = 0x89;
const NONCE = 14;

const OPTIONS = { app: { type: 'boolean' }, each: { type: 'boolean' }, rounds: { type: 'string' } };
const { values: asked, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });

/** A socket that takes everything. */
class Socket extends EventEmitter {
  readableLength = 0;
  writableLength = 0;
  writableNeedDrain = false;
  closed = false;
  readableFlowing = true;
  write(bytes) {
    this.wrote?.(bytes);
    return true;
  }
}
for (const name of ['setNoDelay', 'pause', 'resume', 'cork', 'uncork', 'end', 'destroy'])
  Socket.prototype[name] = () => {};

/** The parts of a sidecar as src/sidecar/sidecar.ts joins them. */
async function join(dist) {
  const load = (name) => import(pathToFileURL(path.resolve(dist, `${name}.js`)).href);
  const { loadConfig } = await load('config/load');
  const { DEFAULTS } = await load('cli/defaults');
  const { config } = loadConfig({ env: { ACKSPAN_UPSTREAM: 'http://127.0.0.1:1' }, defaults: DEFAULTS });
  const { now } = await load('time/clock');
  const { DEFAULT_RELAY_LIMITS, RelayCounters } = await load('relay/tap');
  const { UNREAD_REASONS } = await load('connection/parts');
  const report = ({ stage, error }) => stage === 'telemetry' || console.error(stage, error);
  const relay = { counters: new RelayCounters(), limits: { ...DEFAULT_RELAY_LIMITS }, now, report };
  const unread = Object.fromEntries(UNREAD_REASONS.map((reason) => [reason, 0]));
  const decoder = (await load('decode/decoder')).createDecoder({
    ...config.events,
    confirmations: config.confirmations,
  });
  const counters = { relay: relay.counters, front: (await load('front/counters')).createFrontCounters() };
  const watch = await (await load('sidecar/observe')).startWatch({
    ...{ counters, decoder, unread, now, report, silent: { cut: 0 }, limits: config.limits, agents: config },
    ...{ inFlight: { each: () => {}, latest: () => 0 }, log: { debug: () => {}, warn: () => {} } },
    tracing: { ...config.tracing, keepConfirmed: 0 },
    ...{ serviceName: 'loop', version: '0', serverPort: 1 },
  });
  const store = (await load('store/memory')).createMemoryStore({ history: config.limits.history });
  const { Tracker } = await load('delivery/tracker');
  const tracker = new Tracker({
    store,
    observer: watch.observer,
    limits: config.limits,
    now: now(),
    random: Math.random,
  });
  const messages = (await load('admin/message-log')).createMessageLog({
    capacity: config.admin.messages,
    payloadBytes: 0,
  });
  const overdue = new (await load('connection/overdue-words')).OverdueWords();
  const resendBudget = (await load('connection/resending')).createResendBudget();
  const { connections: observer } = watch;
  const deps = { messages, tracker, decoder, relay, unread, overdue, parked: { count: 0 }, observer, resendBudget };
  const { Connection } = await load('connection/connection');
  const { Owner, Session } = await load('delivery/session');
  const open = (seq, client, upstream) => {
    const facts = {
      id: `c${seq}`,
      seq,
      remote: '',
      path: '/ws',
      host: '',
      port: 0,
      subprotocol: undefined,
      openedAt: now(),
    };
    const session = new Session(`s${seq}`, new Owner(undefined), '', now());
    new Connection(facts, session, { ...deps, journal: undefined, resends: false }).start({ client, upstream });
  };
  const beat = () => {
    tracker.tick(now());
    overdue.look(now());
  };
  return { open, tracker, beat };
}

/** One client and its backend, in memory. */
function createPair(seq, { open }, { event, confirmation }) {
  const [client, upstream] = [new Socket(), new Socket()];
  const out = Buffer.alloc(64 * 1024);
  const pong = Buffer.concat([Buffer.from([0x8a, 0x80 | NONCE]), MASK, Buffer.alloc(NONCE)]);
  let sent = 0;
  let pinged = false;
  client.wrote = (bytes) => {
    const at = bytes.length - NONCE - 2;
    if (at < 0 || bytes[at] !== PING || bytes[at + 1] !== NONCE) return;
    for (let i = 0; i < NONCE; i++) pong[6 + i] = bytes[at + 2 + i] ^ MASK[i & 3];
    pinged = true;
  };
  open(seq, client, upstream);
  const send = (socket, encode, from, to) => {
    let length = 0;
    for (let i = from; i < to; i++) {
      length += encode(out, length, seq, i);
      if (!asked.each && i < to - 1) continue;
      socket.emit('data', out.subarray(0, length));
      length = 0;
    }
  };
  const answer = () => {
    if (pinged) client.emit('data', pong);
    pinged = false;
  };
  return {
    answer,
    turn() {
      send(upstream, event, sent, sent + IN_FLIGHT);
      if (asked.app) send(client, confirmation, sent, sent + IN_FLIGHT);
      sent += IN_FLIGHT;
      answer();
    },
  };
}

/** One build: answers each message of the parent with the CPU of a round, µs per event. */
async function serve(dist) {
  // As `run` sets it once V8 has begun, see src/cli/heap-flags.ts.
  setFlagsFromString('--semi-space-growth-factor=1');
  const { createMessages } = await import('../.cache/bench/load/messages.js');
  const parts = await join(dist);
  const pairs = Array.from({ length: CONNECTIONS }, (_, seq) => createPair(seq + 1, parts, createMessages(false)));
  process.on('message', async () => {
    const [before, settled] = [process.cpuUsage(), parts.tracker.settled];
    for (let n = 0; n < TURNS; n++) {
      for (const pair of pairs) pair.turn();
      await turn();
      for (const pair of pairs) pair.answer();
      parts.beat();
    }
    process.send(process.cpuUsage(before).user / (parts.tracker.settled - settled));
  });
  process.send('ready');
}

async function start(dist) {
  const execArgv = ['--trace-gc-nvp'];
  const env = { ...process.env, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:9', LOOP_DIST: dist };
  const stdio = ['ignore', 'pipe', 'inherit', 'ipc'];
  const child = fork(fileURLToPath(import.meta.url), process.argv.slice(2), { execArgv, env, stdio });
  const build = { dist, child, rounds: [], counts: false, promoted: 0 };
  let rest = '';
  child.stdout.on('data', (chunk) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop();
    if (!build.counts) return;
    for (const line of lines) build.promoted += Number(/ gc=s .* promoted=(\d+)/.exec(line)?.[1] ?? 0);
  });
  await once(child, 'message');
  return build;
}

const quantile = (values, q) => values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * q)];

async function compare(dists, rounds) {
  const builds = [];
  for (const dist of dists) builds.push(await start(dist));
  for (let round = -WARM_UP; round < rounds; round++) {
    for (const build of builds) {
      build.counts = round >= 0;
      build.child.send('go');
      const [cpu] = await once(build.child, 'message');
      if (round >= 0) build.rounds.push(cpu);
    }
  }
  for (const { dist, child, rounds: cpu, promoted } of builds) {
    child.kill();
    const events = rounds * TURNS * CONNECTIONS * IN_FLIGHT;
    const ratios = cpu.map((value, i) => value / builds[0].rounds[i]);
    const [low, middle, high] = [0.25, 0.5, 0.75].map((q) => quantile(ratios, q).toFixed(3));
    console.log(
      `${dist}: ${quantile(cpu, 0.5).toFixed(2)} µs user CPU/event, ${middle} (${low}–${high}) × the first, ` +
        `${(promoted / events).toFixed(0)} bytes per event outlive the young generation`,
    );
  }
}

if (process.env.LOOP_DIST !== undefined) await serve(process.env.LOOP_DIST);
else await compare(positionals.length === 0 ? ['dist'] : positionals, Number(asked.rounds ?? 40));
