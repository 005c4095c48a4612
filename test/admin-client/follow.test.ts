// The live stream through trouble: it goes on behind the last event, says what broke, and gives up only what trying again cannot mend.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { AdminFailure } from '../../src/admin-client/failure.ts';
import { type Followed, follow } from '../../src/admin-client/follow.ts';
import { closeAll, listenOn } from '../support/backends.ts';

afterEach(closeAll);

/** Answers request number `n` (from 0) of a stream. */
type Script = (n: number, request: IncomingMessage, response: ServerResponse) => void;

async function stream(script: Script): Promise<{ base: string; asked: IncomingMessage[] }> {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    script(asked.length - 1, request, response);
  });
  return { base: `http://127.0.0.1:${await listenOn(server)}`, asked };
}

function open(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.write(`retry: 1\n\n${text}`);
}

/** Everything that is told, until `enough` says so. */
async function gather(
  base: string,
  enough: (told: readonly Followed[]) => boolean,
  options: { silenceMs?: number; timeoutMs?: number } = {},
): Promise<Followed[]> {
  const ended = new AbortController();
  const told: Followed[] = [];
  for await (const each of follow({ base, token: 'secret' }, '/stream', {
    signal: ended.signal,
    timeoutMs: 5_000,
    ...options,
  })) {
    if (each.kind !== 'open') told.push(each);
    if (enough(told)) ended.abort();
  }
  return told;
}

const events = (told: readonly Followed[]) => told.flatMap((each) => (each.kind === 'event' ? [each.data.n] : []));
const kinds = (told: readonly Followed[]) => told.map(({ kind }) => kind);

it('events arrive whole, however the network cuts them, with the token in the header', async () => {
  const text = 'id: r.1\nevent: step\ndata: {"n":1,"text":"é名"}\n\n:\n\nid: r.2\nevent: step\ndata: {"n":2}\n\n';
  const { base, asked } = await stream(async (_, __, response) => {
    open(response, '');
    for (const byte of Buffer.from(text)) {
      response.write(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
  });
  const told = await gather(base, (so) => events(so).length === 2);
  expect(told).toEqual([
    { kind: 'event', event: 'step', data: { n: 1, text: 'é名' } },
    { kind: 'event', event: 'step', data: { n: 2 } },
  ]);
  expect(asked[0]!.headers.authorization).toBe('Bearer secret');
});

it('a broken stream is asked for again behind its last event, and both are told', async () => {
  const { base, asked } = await stream((n, _, response) => {
    open(response, `id: r.${n}\nevent: step\ndata: {"n":${n}}\n\n`);
    if (n === 0) setImmediate(() => response.destroy());
    else if (n === 1) response.end();
  });
  const told = await gather(base, (so) => events(so).length === 3);
  expect(kinds(told)).toEqual(['event', 'lost', 'back', 'event', 'lost', 'back', 'event']);
  expect(asked.map(({ headers }) => headers['last-event-id'])).toEqual([undefined, 'r.0', 'r.1']);
});

it('a sidecar that is restarting is waited for', async () => {
  const { base } = await stream((n, _, response) => {
    if (n === 0) {
      open(response, 'data: {"n":0}\n\n');
      setImmediate(() => response.destroy());
    } else if (n < 3) {
      const body = '{"detail":"16 followers are the most."}';
      response.writeHead(503, { 'content-type': 'application/problem+json' }).end(body);
    } else open(response, 'data: {"n":1}\n\n');
  });
  const told = await gather(base, (so) => events(so).length === 2);
  expect(kinds(told)).toEqual(['event', 'lost', 'lost', 'lost', 'back', 'event']);
});

it('a stream that goes silent is dead, and asked for again', async () => {
  const { base } = await stream((n, _, response) => open(response, `data: {"n":${n}}\n\n`));
  const told = await gather(base, (so) => events(so).length === 2, { silenceMs: 100 });
  expect(told[1]).toMatchObject({ kind: 'lost', failure: { kind: 'slow' } });
});

it.each<[string, number, string]>([
  ['a wrong token', 401, 'token'],
  ['a fault in the filter', 400, 'refused'],
  ['no such resource', 404, 'missing'],
  ['too many followers, at the start', 503, 'busy'],
])('%s ends it', async (_name, status, kind) => {
  const { base, asked } = await stream((_, __, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end('{"detail":"No."}');
  });
  const failure = await gather(base, () => false).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(AdminFailure);
  expect((failure as AdminFailure).kind).toBe(kind);
  expect(asked).toHaveLength(1);
});

it.each([
  ['no stream', (response: ServerResponse) => response.end('{"ok":true}')],
  ['no JSON in it', (response: ServerResponse) => open(response, 'data: hello\n\n')],
  ['an event without an end', (response: ServerResponse) => open(response, `data: ${'x'.repeat(5 * 1024 * 1024)}`)],
])('a stranger (%s) ends it', async (_name, answer) => {
  const { base } = await stream((_, __, response) => answer(response));
  const failure = (await gather(base, () => false).catch((error: unknown) => error)) as AdminFailure;
  expect(failure.kind).toBe('stranger');
});

it('a token that is changed meanwhile ends it when it comes back', async () => {
  const { base } = await stream((n, _, response) => {
    if (n > 0) {
      response.writeHead(401, { 'content-type': 'application/problem+json' }).end('{"detail":"No."}');
      return;
    }
    open(response, 'data: {"n":0}\n\n');
    setImmediate(() => response.destroy());
  });
  await expect(gather(base, () => false)).rejects.toMatchObject({ kind: 'token' });
});

it('a consumer that stops leaves no connection behind', async () => {
  const { base, asked } = await stream((_, __, response) => open(response, 'data: {"n":0}\n\n'));
  await gather(base, (so) => so.length === 1);
  const { socket } = asked[0]!;
  if (!socket.destroyed) await new Promise((resolve) => socket.once('close', resolve));
  expect(socket.destroyed).toBe(true);
});
