// The load's client: raw sockets that verify every event byte for byte, answer pings, and confirm events when asked to.
import net from 'node:net';
import { hex, matches, pongFor } from './backend.ts';
import { FrameReader } from './frames.ts';
import { clientText, MAX_FRAME, type Messages } from './messages.ts';

export interface ClientOptions {
  readonly messages: Messages;
  readonly deflate: boolean;
  readonly writes: 'each' | 'burst';
  readonly confirm: 'app' | 'barrier';
  /** As in `FlowJob`. */
  readonly optedInEvery?: number | undefined;
  /** Loopback address that the connection comes from; default: the system's choice. */
  readonly from?: string;
  onFault(what: string): void;
  /**
   * `count` more events of a connection arrived as they were sent (the last is number `next` - 1)
   * and were answered.
   */
  onVerified(conn: number, count: number, next: number): void;
  onClosed(conn: number): void;
}

/** One client connection. `answers` false = it still reads, but neither pongs nor confirms. */
export interface ClientConnection {
  readonly index: number;
  readonly socket: net.Socket;
  next: number;
  pongs: number;
  answers: boolean;
  open: boolean;
}

// One read buffer for all sockets: each chunk is used up before the next read.
const READ_BUFFER = Buffer.allocUnsafe(256 * 1024);

/** Opens one connection through the proxy; resolves at the 101, rejects at anything else. */
export function connectClient(port: number, index: number, options: ClientOptions): Promise<ClientConnection> {
  return new Promise((resolve, reject) => {
    let head = '';
    const socket = net.connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      ...(options.from !== undefined && { localAddress: options.from }),
      onread: {
        buffer: READ_BUFFER,
        callback: (count) => {
          const chunk = READ_BUFFER.subarray(0, count);
          if (connection.open) reader.push(chunk);
          else {
            head += chunk.toString('latin1');
            finishUpgrade();
          }
          settle();
          return true;
        },
      },
    });
    const connection: ClientConnection = { index, socket, next: 0, pongs: 0, answers: true, open: false };
    let arrived = 0;
    const optedIn =
      index % (options.optedInEvery ?? Number.POSITIVE_INFINITY) === 0 && options.optedInEvery !== undefined;
    const reader = eventReader(connection, options, () => arrived++);
    const answer = confirmationWriter(options);
    const confirm = sdkConfirmations(connection);

    const finishUpgrade = (): void => {
      const end = head.indexOf('\r\n\r\n');
      if (end < 0) return;
      if (!head.startsWith('HTTP/1.1 101')) return void socket.destroy(new Error(head.slice(0, head.indexOf('\r'))));
      if (options.deflate && !/^sec-websocket-extensions:.*permessage-deflate/im.test(head)) {
        return void socket.destroy(new Error('permessage-deflate was not negotiated'));
      }
      connection.open = true;
      resolve(connection);
      if (head.length > end + 4) reader.push(Buffer.from(head.slice(end + 4), 'latin1'));
    };
    const settle = (): void => {
      if (arrived === 0) return;
      const count = arrived;
      arrived = 0;
      if (optedIn && connection.answers) confirm(count);
      else if (options.confirm === 'app' && connection.answers) answer(connection, count);
      options.onVerified(index, count, connection.next);
    };
    socket.on('error', (error) => reject(error));
    socket.on('close', () => {
      reject(new Error('closed during the upgrade'));
      if (connection.open) options.onClosed(index);
      connection.open = false;
    });
    const offer = options.deflate ? 'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n' : '';
    socket.write(
      `GET /ws?c=${index}${optedIn ? '&ackspan=1' : ''} HTTP/1.1\r\nHost: bench.local\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n${offer}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    );
  });
}

function eventReader(connection: ClientConnection, options: ClientOptions, onEvent: () => void): FrameReader {
  const { messages, onFault } = options;
  return new FrameReader((buf, start, end, opcode, payloadAt) => {
    if (opcode === 9) {
      if (!connection.answers) return;
      connection.pongs++;
      connection.socket.write(pongFor(buf.subarray(payloadAt, end)));
    } else if (opcode === 1) {
      // The welcome of a client that has opted in, and what the sidecar has heard of it.
      if (buf.toString('latin1', payloadAt, payloadAt + 10) === '{"ackspan"') return;
      if (!matches(buf, start, end, messages.event, messages.plainEvent, connection.index, connection.next)) {
        return onFault(`event ${connection.next} of connection ${connection.index} came as ${hex(buf, start, end)}`);
      }
      connection.next++;
      onEvent();
    } else if (opcode === 8)
      connection.socket.end(); // whoever closes: the flow is told by onClosed
    else onFault(`a frame with opcode ${opcode} that nobody sent`);
  });
}

/** Confirms as the SDK does (`src/client/conversation.ts`): 32 messages at a time, or after 100 ms. */
function sdkConfirmations(connection: ClientConnection): (count: number) => void {
  let serial = 0;
  let unsaid = 0;
  let timer: NodeJS.Timeout | undefined;
  const say = (): void => {
    clearTimeout(timer);
    timer = undefined;
    unsaid = 0;
    if (connection.open)
      connection.socket.write(clientText(`{"ackspan":"confirm","through":${connection.next},"s":${++serial}}`));
  };
  return (count) => {
    unsaid += count;
    if (unsaid >= 32) say();
    else timer ??= setTimeout(say, 100);
  };
}

/** Confirms the last `count` events of a connection. */
function confirmationWriter({ messages, writes }: ClientOptions) {
  let scratch = Buffer.allocUnsafe(MAX_FRAME);
  return (connection: ClientConnection, count: number): void => {
    const { socket, index, next } = connection;
    if (writes === 'burst' && count > 1) {
      const out = Buffer.allocUnsafe(count * MAX_FRAME);
      let length = 0;
      for (let seq = next - count; seq < next; seq++) length += messages.confirmation(out, length, index, seq);
      socket.write(out.subarray(0, length));
      return;
    }
    for (let seq = next - count; seq < next; seq++) {
      const length = messages.confirmation(scratch, 0, index, seq);
      socket.write(scratch.subarray(0, length));
      if (socket.writableLength > 0) scratch = Buffer.allocUnsafe(MAX_FRAME);
    }
  };
}
