// docs/transparency.md, held to the byte: every exchange directly and through a sidecar, against one backend that records what it reads.
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { atEnd, closeAll, rawClient } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { type ReadFrame, readCompleteFrames } from '../support/raw-frames.ts';
import { BARRIER_BYTES } from '../support/raw-ws-client.ts';
import { sidecarHere } from '../support/sidecar-here.ts';
import { REQUEST_DIFFERENCES, RESPONSE_DIFFERENCES, through } from './transparency-differences.ts';
import { ROWS, type Row } from './transparency-rows.ts';

const PAGE = readFileSync(new URL('../../docs/transparency.md', import.meta.url), 'utf8');

let backend: Backend;
let port: number;
beforeAll(async () => {
  backend = await startBackend();
  port = (await sidecarHere(`http://127.0.0.1:${backend.port}`)).port;
});
afterAll(closeAll);

interface Backend {
  readonly port: number;
  /** Everything that has come since the last `play`, over all connections. */
  readonly seen: string;
  play(row: Row): void;
}

/** Whether that is a request with its body, or at least with its head. */
function isComplete(text: string, early: boolean): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const body = text.slice(end + 4);
  if (early) return true;
  if (/^transfer-encoding:/im.test(text.slice(0, end))) return /(?:^|\r\n)0\r\n(?:.*\r\n)*\r\n$/.test(body);
  const length = /^content-length: *(\d+)/im.exec(text.slice(0, end))?.[1];
  return body.length >= Number(length ?? 0);
}

async function startBackend(): Promise<Backend> {
  let row: Row | undefined;
  let seen = '';
  let answered = 0;
  const server = createServer((socket: Socket) => {
    let text = '';
    atEnd(() => socket.destroy());
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1');
      text += chunk.toString('latin1');
      if (row === undefined || answered >= row.answers.length) return;
      if (!isComplete(text.replace(/^(?:\r\n)+/, ''), row.early === true && answered === 0) && answered === 0) return;
      if (answered > 0 && row.early !== true && !isComplete(text, false)) return;
      text = '';
      socket.write(row.answers[answered++]!, 'latin1');
      if (row.ends === true && answered === row.answers.length) socket.end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  atEnd(() => server.close());
  return {
    port: (server.address() as AddressInfo).port,
    get seen() {
      return seen;
    },
    play(next) {
      row = next;
      seen = '';
      answered = 0;
    },
  };
}

/**
 * What the backend has read and what the client has got, when that is at least what is expected.
 */
async function play(row: Row, to: number, request: string, response: string, more = 0) {
  backend.play(row);
  const client = rawClient(to);
  let due = 0;
  for (const [index, piece] of row.send.entries()) {
    client.send(piece);
    if (index + 1 === row.send.length) break;
    due += Math.max(1, row.answers[index]!.length - 200);
    await eventually(() => expect(client.all.length).toBeGreaterThanOrEqual(due));
  }
  await eventually(() => {
    expect(joined(backend.seen).length).toBeGreaterThanOrEqual(joined(request).length);
    expect(joined(client.all).length).toBeGreaterThanOrEqual(joined(response).length + more);
  });
  const seen = backend.seen;
  return { seen, got: client.all, client };
}

/**
 * Makes one chunk of the chunks of a message, where all of them are there: chunk boundaries may
 * move, and node:http joins from version 24.22 on what is written in one turn.
 */
function joined(text: string): string {
  const end = text.indexOf('\r\n\r\n') + 4;
  if (end < 4 || !/^transfer-encoding:.*chunked\s*$/im.test(text.slice(0, end))) return text;
  let data = '';
  for (let at = end; ; ) {
    const line = /^([0-9a-f]+)\r\n/i.exec(text.slice(at, at + 18));
    if (line === null) return text;
    const size = Number.parseInt(line[1]!, 16);
    if (size === 0) return `${text.slice(0, end)}${data.length.toString(16)}\r\n${data}\r\n${text.slice(at)}`;
    at += line[0].length;
    data += text.slice(at, at + size);
    at += size + 2;
  }
}

const WELCOME = Buffer.from('{"ackspan":');

/** Takes our pings and notices out of what follows the head; there must be so many at least. */
function withoutOurs(got: string, ours: number): string {
  const end = got.indexOf('\r\n\r\n', got.indexOf('HTTP/1.1 101 ')) + 4;
  const { frames } = readCompleteFrames(Buffer.from(got.slice(end), 'latin1'));
  const isOurs = ({ opcode, payload }: ReadFrame): boolean =>
    (opcode === 9 && payload.length === BARRIER_BYTES) || payload.subarray(0, 11).equals(WELCOME);
  const others = frames.filter((each) => !isOurs(each));
  expect(frames.length - others.length).toBeGreaterThanOrEqual(ours);
  return got.slice(0, end) + Buffer.concat(others.map(({ raw }) => raw)).toString('latin1');
}

describe('directly and through the sidecar: exactly the listed differences', () => {
  it('there are many kinds', () => {
    expect(ROWS.length).toBeGreaterThanOrEqual(60);
    expect(new Set(ROWS.map(({ name }) => name)).size).toBe(ROWS.length);
  });

  it.each(ROWS.map((row) => [row.name, row] as const))('%s', async (_, row) => {
    const sent = row.send.join('');
    const answered = row.answers.join('');
    if (!row.request.includes('refused')) {
      const direct = await play(row, backend.port, sent, answered);
      expect([direct.seen, direct.got]).toEqual([sent, answered]);
      direct.client.socket.destroy();
    }
    const upstream = `127.0.0.1:${backend.port}`;
    const seenThrough = through(sent, row.host ?? 'a', row.request, REQUEST_DIFFERENCES).replace('UPSTREAM', upstream);
    if (row.response.includes('refused')) {
      const { seen, got, client } = await play(row, port, '', ' ');
      expect([seen, got.slice(0, 10)]).toEqual(['', expect.stringMatching(/^HTTP\/1.1 [45]/)]);
      client.socket.destroy();
      return;
    }
    const gotThrough = through(answered, row.host ?? 'a', row.response, RESPONSE_DIFFERENCES);
    const ours = Number(row.response.includes('pings')) + Number(row.response.includes('welcome'));
    const { seen, got, client } = await play(row, port, seenThrough, gotThrough, 16 * ours);
    expect(joined(seen)).toBe(joined(seenThrough));
    expect(joined(ours > 0 ? withoutOurs(got, ours) : got)).toBe(joined(gotThrough));
    client.socket.destroy();
  });
});

it('half-close: a client that ends its side before the answer has left', async () => {
  backend.play({ ...ROWS[0]!, answers: [] });
  const client = rawClient(port);
  client.send('GET /p HTTP/1.1\r\nHost: a\r\n\r\n');
  client.socket.end();
  await client.gone();
  expect(client.all).toBe('');
});

describe('the page', () => {
  const listed = new Set([...PAGE.matchAll(/^\| \*\*(.+?)\*\* \|/gm)].map(([, name]) => name!));
  const shown = new Set(ROWS.flatMap(({ request, response }) => [...request, ...response]));

  it('lists every difference that the exchanges show', () => {
    expect([...shown].filter((name) => !listed.has(name))).toEqual([]);
  });

  it('and every difference of the tables is shown by an exchange', () => {
    const all = [...Object.keys(REQUEST_DIFFERENCES), ...Object.keys(RESPONSE_DIFFERENCES)];
    expect(all.filter((name) => !(shown as Set<string>).has(name))).toEqual([]);
  });
});
