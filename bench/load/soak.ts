// The long flow: paced events over connections that come and go, of which some break; verifies everything that arrives.
import { startBackend } from './backend.ts';
import { type ClientConnection, type ClientOptions, connectClient } from './client.ts';
import { type Control, startControl } from './control.ts';
import type { Sample, SoakJob, SoakResult, Target } from './job.ts';
import { clientControl, createMessages } from './messages.ts';
import { createRandom, delay, now, openAll, until } from './timing.ts';

const LAST_EVENTS_MS = 300; // a connection gets no event for so long before it closes cleanly: none is in flight then
const STALL_MS = 5000;
const SILENT_MS = 40_000; // past the default deadline, so that time-outs happen too
const NORMAL_CLOSE = clientControl(8, Buffer.from([0x03, 0xe8]));

/** One connection's place in the soak. */
interface Seat {
  client: ClientConnection;
  closesAt: number;
  /** Faulty or closing: gets no more events that count for latency. */
  leaving: boolean;
  readonly sentAt: number[];
}

export async function prepareSoak(job: SoakJob, fault: (what: string) => void, tell: (sample: Sample) => void) {
  const messages = createMessages(false);
  const backend = await startBackend({
    messages,
    deflate: false,
    writes: 'each',
    forwarded: false,
    onFault: fault,
    onConfirmed: () => {},
  });
  const run = async (target: Target, startMs: number): Promise<SoakResult> => {
    const soak = new Soak(job, target.port, backend, messages, fault);
    const startedAt = now();
    await soak.fill();
    soak.control = await startControl(backend, { messages, onFault: fault }, job.rate / job.connections);
    const timers = [
      setInterval(() => soak.pace(), 1),
      setInterval(() => soak.churn(), 100),
      setInterval(() => tell(soak.sample(now() - startedAt)), job.sampleMs),
    ];
    await delay(job.runMs);
    timers.forEach(clearInterval);
    await soak.end();
    const last = soak.sample(now() - startedAt);
    soak.control.stop();
    backend.close();
    return { kind: 'soak', startMs, last };
  };
  return { place: backend.place, run };
}

class Soak {
  control: Control | undefined = undefined;
  private readonly job: SoakJob;
  private readonly port: number;
  private readonly backend: Awaited<ReturnType<typeof startBackend>>;
  private readonly options: Omit<ClientOptions, 'confirm'>;
  private readonly random: () => number;
  private readonly seats = new Map<number, Seat>();
  private order: Seat[] = [];
  private cursor = 0;
  private pacedAt = 0;
  private owed = 0;
  private faultsOwed = 0;
  private opening = 0;
  private ending = false;
  private sent = 0;
  private verified = 0;
  private opened = 0;
  private faults = 0;
  private latencies: number[] = [];

  constructor(
    job: SoakJob,
    port: number,
    backend: Awaited<ReturnType<typeof startBackend>>,
    messages: ReturnType<typeof createMessages>,
    fault: (what: string) => void,
  ) {
    this.job = job;
    this.port = port;
    this.backend = backend;
    this.random = createRandom(job.seed);
    this.options = {
      messages,
      deflate: false,
      writes: 'each',
      onFault: fault,
      onVerified: (conn, count, next) => this.verify(conn, count, next),
      onClosed: (conn) => this.gone(conn, fault),
    };
  }

  async fill(): Promise<void> {
    await openAll(this.job.connections, 0, () => this.open());
  }

  private async open(): Promise<void> {
    const index = this.opened++;
    const [shortest, longest] = this.job.lifeMs;
    // Every other client confirms by application messages, so that both ways are soaked.
    const confirm = index % 2 === 0 ? 'app' : 'barrier';
    const client = await connectClient(this.port, index, { ...this.options, confirm });
    const closesAt = now() + shortest + this.random() * (longest - shortest);
    this.seats.set(index, { client, closesAt, leaving: false, sentAt: [] });
    this.order = [...this.seats.values()];
  }

  /** Sends what the rate says is due. */
  pace(): void {
    const at = now();
    if (this.pacedAt > 0) this.owed += ((at - this.pacedAt) * this.job.rate) / 1000;
    this.pacedAt = at;
    for (let tries = this.order.length * 2; this.owed >= 1 && tries > 0; tries--) {
      const seat = this.order[this.cursor++ % this.order.length]!;
      const { index } = seat.client;
      if (seat.leaving || seat.closesAt - at < LAST_EVENTS_MS) continue;
      if (this.backend.connections[index] === undefined) continue;
      seat.sentAt.push(at);
      this.backend.send(index, 1);
      this.sent++;
      this.owed--;
    }
  }

  private verify(conn: number, count: number, next: number): void {
    this.verified += count;
    const seat = this.seats.get(conn);
    if (seat === undefined) return;
    const at = now();
    for (let seq = next - count; seq < next; seq++) {
      const sentAt = seat.sentAt.shift();
      if (!seat.leaving && sentAt !== undefined) this.latencies.push(at - sentAt);
    }
  }

  /** Closes what has lived long enough, breaks what chance picks, opens replacements. */
  churn(): void {
    const at = now();
    for (const seat of this.order) {
      if (seat.leaving || seat.closesAt > at) continue;
      seat.leaving = true;
      seat.client.socket.write(NORMAL_CLOSE);
    }
    this.faultsOwed += (this.job.faults * this.order.length) / 10;
    for (; this.faultsOwed >= 1; this.faultsOwed--) this.breakOne();
    for (let missing = this.job.connections - this.order.length - this.opening; missing > 0; missing--) {
      this.opening++;
      void this.open()
        .catch((error: unknown) => this.options.onFault(`a connection was refused: ${String(error)}`))
        .finally(() => this.opening--);
    }
  }

  private breakOne(): void {
    const seat = this.order[Math.floor(this.random() * this.order.length)];
    if (seat === undefined || seat.leaving) return;
    seat.leaving = true;
    this.faults++;
    const { socket, index } = seat.client;
    const kind = Math.floor(this.random() * 5);
    if (kind === 0) socket.resetAndDestroy();
    else if (kind === 1) socket.destroy();
    else if (kind === 2) this.backend.connections[index]?.socket.resetAndDestroy();
    else if (kind === 3) {
      socket.pause();
      this.keepSending(seat, STALL_MS);
    } else {
      seat.client.answers = false;
      this.keepSending(seat, SILENT_MS);
    }
  }

  /** A stalled or silent client still gets its share of events until it is cut. */
  private keepSending(seat: Seat, ms: number): void {
    const each = (this.job.connections / this.job.rate) * 1000;
    const sender = setInterval(() => {
      this.backend.send(seat.client.index, 1);
      this.sent++;
    }, each);
    setTimeout(() => {
      clearInterval(sender);
      seat.client.socket.destroy();
    }, ms);
    seat.client.socket.once('close', () => clearInterval(sender));
  }

  private gone(conn: number, fault: (what: string) => void): void {
    const seat = this.seats.get(conn);
    if (seat === undefined) return;
    if (!seat.leaving && !this.ending) fault(`connection ${conn} was closed, which nobody asked for`);
    this.seats.delete(conn);
    this.order = [...this.seats.values()];
  }

  /** Closes everything cleanly. */
  async end(): Promise<void> {
    this.ending = true;
    await delay(1000);
    for (const { client } of this.order) {
      client.socket.resume();
      client.socket.write(NORMAL_CLOSE);
    }
    await until('every connection is closed', () => this.seats.size === 0, 10_000);
  }

  sample(elapsedMs: number): Sample {
    const own = percentiles(this.latencies);
    const control = percentiles(this.control?.take() ?? []);
    this.latencies = [];
    const { sent, verified, opened, faults } = this;
    const open = this.seats.size;
    return { elapsedMs, sent, verified, open, opened, faults, ...own, controlP99Ms: control.p99Ms };
  }
}

function percentiles(latencies: number[]): { p50Ms: number; p99Ms: number } {
  const sorted = latencies.sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
  return { p50Ms: at(0.5), p99Ms: at(0.99) };
}
