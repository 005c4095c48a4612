// Plays one conformance case between a raw end and a real ws end, and writes down what each of them sees.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttp } from 'node:http';
import { connect, createServer as createNet, type Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { constants, inflateRawSync } from 'node:zlib';
import { WebSocket, WebSocketServer } from 'ws';
import { atEnd, handshake, listenOn, switching } from '../support/backends.ts';
import { clientFrame, closePayload, frame, type ReadFrame, readCompleteFrames } from '../support/raw-frames.ts';
import { BARRIER_BYTES } from '../support/raw-ws-client.ts';
import { type Case, CLOSE, GO, PING, PONG, type Step } from './conformance-case.ts';

/** In order, what the end that sends raw bytes saw, and what the ws end saw. */
export interface View {
  readonly raw: readonly string[];
  readonly ws: readonly string[];
  /** `Sec-WebSocket-Extensions` of the 101 as the client saw it. */
  readonly extensions: string;
}

const HEAD_END = '\r\n\r\n';

function digest(data: Buffer): string {
  const hash = createHash('sha1').update(data).digest('hex').slice(0, 12);
  return `${data.length}#${data.length <= 40 ? data.toString('latin1') : hash}`;
}

/**
 * Writes down everything that a ws end sees; echoes messages, and does what the case says when it
 * hears `GO`. Resolves when it is closed.
 */
function watch(socket: WebSocket, { far }: Case): Promise<string[]> {
  const seen: string[] = [];
  socket.on('message', (data: Buffer, binary) => {
    seen.push(`${binary ? 'binary' : 'text'} ${digest(data)}`);
    if (socket.readyState === WebSocket.OPEN) socket.send(data, { binary });
    if (!binary && String(data) === GO) far?.(socket);
  });
  socket.on('ping', (data) => {
    if (data.length !== BARRIER_BYTES) seen.push(`ping ${digest(data)}`);
  });
  socket.on('pong', (data) => seen.push(`pong ${digest(data)}`));
  socket.on('error', (error) => seen.push(`error ${(error as NodeJS.ErrnoException).code}`));
  return new Promise((resolve) => {
    socket.addEventListener('close', ({ code, reason, wasClean }) => {
      seen.push(`close ${code} ${reason} ${wasClean ? 'clean' : 'unclean'}`);
      resolve(seen);
    });
  });
}

/** The raw end: reads frames from `socket`, answers our barriers, and plays the steps. */
class RawEnd {
  head = '';
  readonly headRead: Promise<void>;
  readonly over: Promise<void>;
  readonly seen: string[] = [];
  private readonly socket: Socket;
  private readonly fromClient: boolean;
  private bytes: Buffer = Buffer.alloc(0);
  private window: Buffer = Buffer.alloc(0);
  private frames = 0;
  private readonly unanswered: Buffer[] = [];
  /** Of what was sent: bytes of an incomplete frame. */
  private partial: Buffer = Buffer.alloc(0);
  private closeSent = false;
  /** Pings of the ws end are answered here, not by the steps. */
  private answers = false;
  private wake: () => void = () => {};
  private gone = false;
  private reset = false;

  constructor(socket: Socket, fromClient: boolean) {
    this.socket = socket;
    this.fromClient = fromClient;
    atEnd(() => socket.destroy());
    socket.setNoDelay(true);
    let headDone = () => {};
    this.headRead = new Promise((resolve) => {
      headDone = resolve;
    });
    socket.on('data', (chunk) => {
      this.bytes = Buffer.concat([this.bytes, chunk]);
      if (this.head === '') {
        const end = this.bytes.indexOf(HEAD_END);
        if (end === -1) return;
        this.head = this.bytes.toString('latin1', 0, end + 4);
        this.bytes = this.bytes.subarray(end + 4);
        headDone();
      }
      const { frames, rest } = readCompleteFrames(this.bytes);
      this.bytes = this.bytes.subarray(this.bytes.length - rest);
      for (const each of frames) this.read(each);
      this.wake();
    });
    let end = 'nothing';
    socket.on('end', () => {
      end = 'fin';
    });
    socket.on('error', (error) => {
      end = (error as NodeJS.ErrnoException).code!;
    });
    this.over = new Promise((resolve) => {
      socket.on('close', () => {
        this.gone = true;
        headDone();
        this.wake();
        this.seen.push(`${this.bytes.length} bytes of a frame`, this.reset ? 'own reset' : `end: ${end}`);
        resolve();
      });
    });
  }

  private read(each: ReadFrame): void {
    const { opcode, fin, rsv1, masked, payload } = each;
    if (this.fromClient && opcode === PING && payload.length === BARRIER_BYTES) {
      this.unanswered.push(clientFrame(payload, { opcode: PONG }));
      return;
    }
    if (opcode === PING && this.answers)
      this.unanswered.push((this.fromClient ? clientFrame : frame)(payload, { opcode: PONG }));
    this.frames++;
    const content = rsv1 ? this.inflate(payload) : payload;
    this.seen.push(
      `frame ${opcode}${fin ? '' : '+'}${rsv1 ? ' deflated' : ''}${masked ? ' masked' : ''} ${digest(content)}`,
    );
    // RFC 6455 §7.1.1: the server closes the connection first.
    if (opcode === CLOSE && !this.fromClient) this.closedBy?.();
  }

  /** What to do when the client's Close frame has come. */
  closedBy: (() => void) | undefined;

  /** With the window kept, a message reads the same whether its sender keeps its own or not. */
  private inflate(payload: Buffer): Buffer {
    const data = inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 255, 255])]), {
      finishFlush: constants.Z_SYNC_FLUSH,
      ...(this.window.length > 0 && { dictionary: this.window }),
    });
    this.window = Buffer.concat([this.window, data]).subarray(-32_768);
    return data;
  }

  /** Answers the handshake. */
  accept(extensions: string | undefined): void {
    const key = /^sec-websocket-key: *(\S+)/im.exec(this.head)![1]!;
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    const lines = extensions === undefined ? [] : [`Sec-WebSocket-Extensions: ${extensions}`];
    this.socket.write(switching(lines).replace(/Accept: .*/, `Accept: ${accept}`));
  }

  async play({ steps, ends, answers }: Case): Promise<void> {
    this.answers = answers === true;
    const make = this.fromClient ? clientFrame : frame;
    const last: Step[] = [make('the end', { opcode: PING }), make(closePayload(1000, 'done'), { opcode: CLOSE })];
    for (const step of steps(make, this.fromClient)) await this.take(step);
    if (ends !== true) for (const step of last) await this.take(step);
    if (this.fromClient) return;
    this.closedBy = () => this.socket.end();
    if (this.seen.some((line) => line.startsWith(`frame ${CLOSE}`))) this.socket.end();
  }

  private async take(step: Step): Promise<void> {
    if (step === 'fin') this.socket.end();
    else if (step === 'rst') {
      this.reset = true;
      this.socket.resetAndDestroy();
    } else if (Buffer.isBuffer(step)) {
      if (!this.socket.writable) return;
      await new Promise<void>((resolve) => this.socket.write(step, () => resolve()));
      // The far end, which is in this process, reads in each turn: so what is cut arrives cut.
      await turn();
      await turn();
      const { frames, rest } = readCompleteFrames(Buffer.concat([this.partial, step]));
      this.partial = Buffer.concat([this.partial, step]).subarray(-rest || Number.POSITIVE_INFINITY);
      this.closeSent ||= frames.some(({ opcode }) => opcode === CLOSE);
      this.answer();
    } else {
      while (this.frames < step.frames && !this.gone)
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
      this.answer();
    }
  }

  /** Answers pings: only between frames, and before a Close frame. */
  private answer(): void {
    if (this.partial.length > 0 || this.closeSent) return;
    for (const pong of this.unanswered.splice(0)) if (this.socket.writable) this.socket.write(pong);
  }
}

function extensionsIn(head: string): string {
  return /^sec-websocket-extensions: *(.*?)\r$/im.exec(head)?.[1] ?? '';
}

/** Real ws servers on one port: the path says whose connection it is. */
export async function startWsEnd() {
  const waiting = new Map<string, { one: Case; watched: (seen: Promise<string[]>) => void }>();
  const server = createHttp();
  server.on('upgrade', (request, socket, head) => {
    const { one, watched } = waiting.get(request.url!)!;
    const accepting = new WebSocketServer({ noServer: true, perMessageDeflate: one.deflate?.server ?? false });
    accepting.handleUpgrade(request, socket, head, (ws) => watched(watch(ws, one)));
  });
  const port = await listenOn(server);
  let count = 0;
  /** The raw end is a client that connects to `to`. */
  const play = async (one: Case, to: number): Promise<View> => {
    const path = `/client/${count++}`;
    const seen = new Promise<string[]>((resolve) => waiting.set(path, { one, watched: resolve }));
    const socket = connect({ port: to, host: '127.0.0.1' });
    const end = new RawEnd(socket, true);
    await once(socket, 'connect');
    socket.write(handshake(path, one.deflate ? [`Sec-WebSocket-Extensions: ${one.deflate.offer}`] : []));
    await end.headRead;
    await end.play(one);
    await end.over;
    return { raw: end.seen, ws: await seen, extensions: extensionsIn(end.head) };
  };
  return { port, play };
}

/** A raw backend: the path says whose connection it is. */
export async function startRawEnd() {
  const waiting = new Map<string, (end: RawEnd) => void>();
  const server = createNet(async (socket) => {
    const end = new RawEnd(socket, false);
    await end.headRead;
    waiting.get(/^GET (\S+)/.exec(end.head)![1]!)!(end);
  });
  const port = await listenOn(server);
  let count = 0;
  /** The ws end is a client that connects to `to`. */
  const play = async (one: Case, to: number): Promise<View> => {
    const path = `/backend/${count++}`;
    const accepted = new Promise<RawEnd>((resolve) => waiting.set(path, resolve));
    const ws = new WebSocket(`ws://127.0.0.1:${to}${path}`, {
      perMessageDeflate: one.deflate !== undefined && { threshold: 0 },
    });
    atEnd(() => ws.terminate());
    let extensions = '';
    ws.once('upgrade', ({ headers }) => {
      extensions = headers['sec-websocket-extensions'] ?? '';
    });
    const watched = watch(ws, one);
    const end = await accepted;
    end.accept(one.deflate?.answer);
    await once(ws, 'open');
    await end.play(one);
    await end.over;
    return { raw: end.seen, ws: await watched, extensions };
  };
  return { port, play };
}
