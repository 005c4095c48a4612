// The steady flow: keeps events in flight over many connections, saturated or paced, and measures the proxy over one window.
import { cpuMicros, processTree, rssKiB, waitMicros } from '../accounting.ts';
import { type Backend, startBackend } from './backend.ts';
import { type ClientConnection, connectClient } from './client.ts';
import type { FlowJob, FlowResult, Target } from './job.ts';
import { createMessages } from './messages.ts';
import { delay, now, openAll, until } from './timing.ts';

/** How long a step may take on a machine that is busy, ms. */
const PATIENCE_MS = 60_000;
const SENT_AT_RING = 256; // events in flight per connection whose send time is remembered

/**
 * Runs one job against one target. `fault` is called at the first wrong byte and ends the run,
 * `begins` with the window.
 */
export async function prepareFlow(job: FlowJob, fault: (what: string) => void, begins: () => void = () => {}) {
  const state = new FlowState(job);
  const messages = createMessages(job.deflate);
  const backend = await startBackend({
    messages,
    deflate: job.deflate,
    writes: job.writes,
    forwarded: job.forwarded,
    onFault: fault,
    onConfirmed: (count) => {
      state.confirmed += count;
    },
  });
  state.backend = backend;
  const run = async (target: Target, startMs: number): Promise<FlowResult> => {
    const open = (index: number): Promise<ClientConnection> =>
      connectClient(target.port, index, {
        messages,
        deflate: job.deflate,
        writes: job.writes,
        confirm: job.confirm,
        optedInEvery: job.optedInEvery,
        onFault: fault,
        onVerified: (conn, count, next) => state.verify(conn, count, next),
        onClosed: (conn) => state.stopping || fault(`connection ${conn} was closed`),
      });
    const clients = await openAll(job.connections, 0, open);
    const holders = await openAll(job.holders, job.connections, open);
    // A proxy may accept the client before it has reached the backend.
    const joined = (): boolean => clients.length + holders.length === Object.keys(backend.connections).length;
    await until('every connection reached the backend', joined, PATIENCE_MS);
    await hold(state, holders);
    return { ...(await measure(state, target, begins)), startMs };
  };
  return { place: backend.place, run };
}

/**
 * Leaves events pending on the holders: they have answered one ping, and answer nothing from here
 * on.
 */
async function hold(state: FlowState, holders: readonly ClientConnection[]): Promise<void> {
  const { heldEach } = state.job;
  if (holders.length === 0) return;
  await until('every holder answered its first ping', () => holders.every((client) => client.pongs > 0), PATIENCE_MS);
  for (const client of holders) {
    client.answers = false;
    for (let left = heldEach; left > 0; left -= 50) {
      state.backend.send(client.index, Math.min(left, 50));
    }
    if (client.index % 20 === 0) await delay(1);
  }
  await until('every held event arrived', () => holders.every((client) => client.next === heldEach), PATIENCE_MS);
  state.held = holders.length * heldEach;
}

async function measure(state: FlowState, target: Target, begins: () => void): Promise<FlowResult> {
  const { job } = state;
  // Paced flows warm up saturated too: a compiler that has seen 2,000 events has not warmed up.
  state.start(0);
  await delay(job.warmupMs);
  await state.stop();
  if (job.rate > 0) {
    state.start(job.rate);
    await delay(job.warmupMs / 2);
  } else {
    state.start(0);
    await delay(100);
  }
  const pids = target.pid === 0 ? [] : processTree(target.pid);
  begins();
  state.beginWindow();
  const before = reading(state, pids);
  await delay(job.windowMs);
  const after = reading(state, pids);
  const latencies = state.endWindow();
  const rss = rssKiB(pids);
  await state.stop();
  await settleConfirmations(state);
  // The connections stay: what answers the last events is still on its way to the proxy.
  state.stopping = true;
  const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
  return {
    kind: 'flow',
    startMs: 0,
    events: after.verified - before.verified,
    wallMs: after.at - before.at,
    cpuUs: after.cpu - before.cpu,
    waitUs: after.wait - before.wait,
    generatorCpuUs: after.own - before.own,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    sent: state.sent,
    confirmedAtBackend: state.confirmed,
    held: state.held,
    rssKiB: rss,
  };
}

function reading(state: FlowState, pids: readonly number[]) {
  const [cpu, wait, own] = [cpuMicros(pids), waitMicros(pids), cpuMicros([process.pid])];
  return { at: now(), verified: state.verified, cpu, wait, own };
}

async function settleConfirmations(state: FlowState): Promise<void> {
  const { job } = state;
  const expected = job.confirm === 'app' && job.forwarded ? state.verified : 0;
  await until(`all ${expected} confirmations reached the backend`, () => state.confirmed === expected, PATIENCE_MS);
}

/** Credits, counters and latencies of one flow. */
class FlowState {
  readonly job: FlowJob;
  backend!: Backend;
  sent = 0;
  verified = 0;
  confirmed = 0;
  held = 0;
  stopping = false;
  private saturated = false;
  private pacer: NodeJS.Timeout | undefined = undefined;
  private readonly sentAt: Float64Array;
  private readonly sentOn: Uint32Array;
  private latencies: number[] | undefined = undefined;

  constructor(job: FlowJob) {
    this.job = job;
    this.sentAt = new Float64Array(job.connections * SENT_AT_RING);
    this.sentOn = new Uint32Array(job.connections);
  }

  start(rate: number): void {
    this.saturated = rate === 0;
    if (rate === 0) for (let conn = 0; conn < this.job.connections; conn++) this.send(conn, this.job.inFlight);
    else this.pace(rate);
  }

  private pace(rate: number): void {
    const startedAt = now();
    let emitted = 0;
    this.pacer = setInterval(() => {
      const due = Math.floor(((now() - startedAt) * rate) / 1000);
      for (; emitted < due; emitted++) this.send(emitted % this.job.connections, 1);
    }, 1);
  }

  /** Stops sending and waits until everything sent has been verified. */
  async stop(): Promise<void> {
    this.saturated = false;
    clearInterval(this.pacer);
    await until('every event sent has arrived', () => this.verified === this.sent, PATIENCE_MS);
  }

  private send(conn: number, count: number): void {
    this.sent += count;
    if (this.latencies !== undefined || this.job.rate > 0) {
      const at = now();
      for (let i = 0; i < count; i++) this.sentAt[conn * SENT_AT_RING + (this.sentOn[conn]!++ % SENT_AT_RING)] = at;
    } else this.sentOn[conn]! += count;
    this.backend.send(conn, count);
  }

  verify(conn: number, count: number, next: number): void {
    if (conn >= this.job.connections) return;
    this.verified += count;
    if (this.latencies !== undefined && this.job.rate > 0) {
      const at = now();
      for (let seq = next - count; seq < next; seq++) {
        this.latencies.push(at - this.sentAt[conn * SENT_AT_RING + (seq % SENT_AT_RING)]!);
      }
    }
    if (this.saturated) this.send(conn, count);
  }

  beginWindow(): void {
    this.latencies = [];
  }

  /** Latencies of the window, ms, sorted. */
  endWindow(): number[] {
    const latencies = this.latencies ?? [];
    this.latencies = undefined;
    return latencies.sort((a, b) => a - b);
  }
}
