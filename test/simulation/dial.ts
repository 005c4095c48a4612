// Simulation: connections: from a client's request over the handshakes to two sockets that the sidecar joins; and all wires, for the account at the end.
import { createChance } from '../support/chance.ts';
import { BackendConnection } from './backend.ts';
import type { History, Link, Upstream } from './history.ts';
import type { Loop } from './loop.ts';
import type { Deflater } from './message.ts';
import type { Schedule } from './schedule.ts';
import { SimSocket } from './socket.ts';
import type { Sut } from './sut.ts';
import { End, type Path } from './wire.ts';
import type { World } from './world.ts';

export interface NetworkDeps {
  readonly schedule: Schedule;
  readonly world: World;
  readonly loop: Loop;
  readonly history: History;
  readonly fate: (uid: number, what: number) => number;
  readonly note: (who: string, what: string) => void;
}

/** The sidecar's end of a connection: to a client, or to the backend for one. */
interface Wire {
  readonly link: Link | undefined;
  readonly upstream: Upstream | undefined;
  readonly end: End;
}

/** Numbers of copies are above all others. */
const COPIES = 8_000_000;

export class Network {
  sut: Sut | undefined;
  /** The sidecar accepts nothing any more. */
  closed = false;
  backendDownUntil = 0;
  /** Handshakes that the backend has not answered. */
  handshaking = 0;
  /** The latest connection of each client to the backend. */
  readonly backends: (BackendConnection | undefined)[] = [];
  private readonly deps: NetworkDeps;
  private readonly wires: Wire[] = [];
  private readonly incoming: (() => void)[] = [];
  private made = 0;
  private copies = 0;

  constructor(deps: NetworkDeps) {
    this.deps = deps;
    const { incoming } = this;
    deps.loop.addSource({
      get ready() {
        return incoming.length > 0;
      },
      poll: () => incoming.shift()?.(),
    });
  }

  /** Has the sidecar do something when it polls next. */
  signal(run: () => void): void {
    this.incoming.push(run);
  }

  /**
   * A client connects: its end of the connection, and how its compressed messages are told apart.
   */
  dial(client: number, url: string, link: Link): { readonly end: End; deflater(): Deflater | undefined } {
    const { world, schedule, loop, note } = this.deps;
    const setup = schedule.setup.clients[client]!;
    const path: Path = { delay: setup.rtt / 2, jitter: setup.jitter, cuts: setup.cuts, capacity: setup.capacity };
    const [end, near] = this.pair(path);
    this.wires.push({ link, upstream: undefined, end: near });
    const socket = new SimSocket(loop, near, setup.readsAhead);
    socket.onBroken = () => {
      link.brokenAt ||= world.now;
    };
    socket.onCutShort = () => {
      link.cutShort = true;
    };
    socket.onPaused = (paused) => {
      if (paused) link.pauses.push({ from: world.now, to: 0 });
      else if (link.pauses.at(-1)?.to === 0) link.pauses.at(-1)!.to = world.now;
    };
    let backend: BackendConnection | undefined;
    this.later(setup.rtt * 1.5, () => {
      if (this.closed) {
        refuse(socket);
        return;
      }
      const asked = this.sut!.admit(url, setup.user);
      // The request itself says what the application was handed.
      const [last] = link.evidence;
      if (last?.kind === 'last') last.arrivedAt = last.readAt = world.now;
      if (url.includes('ackspan') && this.sut!.rejoin(asked, socket)) {
        link.joinedAt = world.now;
        this.supersede(client, link, false);
        note('sidecar', `client ${client} rejoins its session`);
        return;
      }
      this.handshaking++;
      this.call(client, link, (up, connection) => {
        this.handshaking--;
        if (near.dead || near.closedAt > 0 || up === undefined) {
          up?.destroy();
          if (near.closedAt === 0) refuse(socket);
          return;
        }
        backend = connection;
        connection!.upstream.joined = true;
        const heads = { client: Buffer.alloc(0), upstream: this.headOf(connection!.upstream) };
        const recovered = this.sut!.open(asked, socket, up, heads, setup.deflate);
        link.joinedAt = world.now;
        if (recovered) this.supersede(client, link, true);
        note('sidecar', `client ${client} is connected${recovered ? ', and goes on with its session' : ''}`);
      });
    });
    return { end, deflater: () => backend?.deflater };
  }

  /**
   * The backend is asked to emit a message again, and does so over whatever connection it has to
   * that client by then.
   */
  reemit(uid: number): void {
    const { world, history, schedule } = this.deps;
    const message = history.byUid.get(uid);
    if (message?.emitted === undefined) return;
    const copy = { ...message.emitted, uid: COPIES + ++this.copies * 8 };
    world.plan(world.now + schedule.setup.backendRtt + 5, () => this.backends[message.client]?.emit(copy));
  }

  /** Nothing gets through between the sidecar and the client for a while. */
  stall(client: number, ms: number): void {
    const wire = this.wires.findLast(({ link, upstream }) => upstream === undefined && link?.client === client);
    wire?.end.stallBoth(this.deps.world.now + ms);
  }

  /** The client's way is gone: nothing gets through any more, either way, and nobody is told. */
  vanish(client: number): void {
    const wire = this.wires.findLast(({ link, upstream }) => upstream === undefined && link?.client === client);
    if (wire === undefined || wire.link!.vanishedAt > 0) return;
    wire.link!.vanishedAt = this.deps.world.now;
    wire.end.stallBoth(Number.POSITIVE_INFINITY);
  }

  /**
   * What has vanished is given up by the systems at last, as after their time-outs. Says whether
   * there was something.
   */
  giveUpVanished(): boolean {
    const vanished = this.wires.filter(({ link, upstream }) => upstream === undefined && link!.vanishedAt > 0);
    for (const { end } of vanished) end.fail();
    return vanished.length > 0;
  }

  /** Writes into the history when connections ended; answers how many have not. */
  account(): number {
    let open = 0;
    for (const { link, upstream, end } of this.wires) {
      if (end.closedAt === 0) open++;
      if (upstream === undefined) {
        const { closedAt, overAt, overReadAt, closeSentAt } = end;
        Object.assign(link!, { closedAt, overAt, overReadAt, closeSentAt });
        (link!.arrivals as number[]).push(...end.arrivals);
        continue;
      }
      upstream.closedAt = end.closedAt;
      upstream.overAt = end.overAt;
      upstream.goneAt = end.finAt;
    }
    for (const { link, upstream } of this.wires) {
      // The upstream of a session that can be resumed outlives its client.
      if (upstream === undefined || link === undefined || link.sdk) continue;
      for (const at of [link.overAt, link.left.arrivedAt, link.closedAt])
        upstream.goneAt = earliest(upstream.goneAt, at);
    }
    return open;
  }

  /**
   * Dials the backend; `joined` is called in the sidecar when the 101 is there, or the backend is
   * not.
   */
  private call(
    client: number,
    link: Link,
    joined: (up: SimSocket | undefined, connection: BackendConnection | undefined) => void,
  ): void {
    const { world, schedule, loop, history } = this.deps;
    const { backendRtt, backendCuts, backendCapacity, clients } = schedule.setup;
    world.plan(world.now + backendRtt / 2, () => {
      if (this.backendDownUntil > world.now) {
        this.later(backendRtt / 2, () => joined(undefined, undefined));
        return;
      }
      const path: Path = { delay: backendRtt / 2, jitter: 0, cuts: backendCuts, capacity: backendCapacity };
      const [far, near] = this.pair(path);
      const upstream: Upstream = {
        ...{ id: ++this.made, client, joined: false, closedAt: 0, closedUnread: false, goneAt: 0, overAt: 0 },
        close: { arrivedAt: 0, readAt: 0 },
      };
      link.upstream = upstream.id;
      history.upstreams.push(upstream);
      this.wires.push({ link, upstream, end: near });
      const connection = new BackendConnection(world, far, history, upstream, clients[client]!);
      this.backends[client] = connection;
      this.later(backendRtt / 2, () => {
        const socket = new SimSocket(loop, near, false);
        socket.onClosedUnread = () => {
          upstream.closedUnread = true;
        };
        joined(socket, connection);
      });
    });
  }

  /** What the backend sent right behind its 101 may have been read with that. */
  private headOf(upstream: Upstream): Buffer {
    if (this.deps.fate(upstream.id, 11) < 0.5) return Buffer.alloc(0);
    const { end } = this.wires.find((wire) => wire.upstream === upstream)!;
    const got = end.read(4096);
    if (typeof got !== 'object') return Buffer.alloc(0);
    end.consumed(got.length);
    return got;
  }

  private pair(path: Path): [End, End] {
    const chance = createChance(this.deps.schedule.seed + ++this.made * 104_729);
    return End.pair(this.deps.world, chance, path, path);
  }

  private later(ms: number, run: () => void): void {
    this.deps.world.plan(this.deps.world.now + ms, () => this.incoming.push(run));
  }

  private supersede(client: number, by: Link, anew: boolean): void {
    for (const link of this.deps.history.links) {
      if (link.client !== client || link === by || link.supersededAt > 0) continue;
      link.supersededAt = this.deps.world.now;
      link.supersededAnew = anew;
    }
  }
}

function refuse(socket: SimSocket): void {
  // How a refused client leaves concerns nobody.
  socket.on('error', () => {});
  socket.write('HTTP/1.1 502 Bad Gateway\r\n\r\n');
  socket.destroySoon();
}

function earliest(a: number, b: number): number {
  return a === 0 ? b : b === 0 ? a : Math.min(a, b);
}
