// Whatever sits at the address of an admin server: it cannot hold the reader, fill its memory, learn the token twice, or act on the terminal.
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { readAnswer } from '../../src/admin-client/answer.ts';
import { type AdminClient, createAdminClient } from '../../src/admin-client/client.ts';
import { AdminFailure } from '../../src/admin-client/failure.ts';
import { follow } from '../../src/admin-client/follow.ts';
import { closeAll, listenOn } from '../support/backends.ts';

afterEach(closeAll);

async function served(answer: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listenOn(createServer(answer))}`;
}

const MIB = Buffer.alloc(1024 * 1024, 0x61);

/** Writes for as long as somebody reads, and counts. */
function endless(counts: { mib: number }, status = 200, type = 'application/json'): RequestListener {
  return (_, response) => {
    response.writeHead(status, { 'content-type': type });
    const more = (): void => {
      while (!response.destroyed) {
        counts.mib++;
        if (!response.write(MIB)) {
          response.once('drain', more);
          return;
        }
      }
    };
    more();
  };
}

/** Every way to ask, each until its first result. */
const ASKS: Readonly<Record<string, (client: AdminClient) => Promise<unknown>>> = {
  'one answer': (client) => client.stats(),
  readiness: (client) => client.ready(),
  metrics: (client) => client.samples(),
  'a list': (client) => client.everyDelivery({}, 100),
  'the live stream': (client) => client.follow({}, new AbortController().signal).next(),
  'an export': (client) => client.exportDeadLetters({}).next(),
};

async function failureOf(asked: Promise<unknown>): Promise<AdminFailure> {
  const failure = await asked.then(
    (value) => value,
    (error: unknown) => error,
  );
  expect(failure).toBeInstanceOf(AdminFailure);
  return failure as AdminFailure;
}

describe('a body without an end', () => {
  it.each(Object.keys(ASKS))('%s: a refusal is read up to 256 KiB', async (name) => {
    const counts = { mib: 0 };
    const base = await served(endless(counts, 500, 'application/problem+json'));
    expect((await failureOf(ASKS[name]!(createAdminClient({ base, token: 't' })))).kind).toBe('stranger');
    // What the kernel holds for both ends comes on top.
    expect(counts.mib).toBeLessThan(20);
  });

  it.each(['one answer', 'metrics', 'a list'])('%s: an answer is read up to 32 MiB', async (name) => {
    const counts = { mib: 0 };
    const base = await served(endless(counts));
    expect((await failureOf(ASKS[name]!(createAdminClient({ base, token: 't' })))).kind).toBe('stranger');
    expect(counts.mib).toBeLessThan(60);
  });

  it('an event without an end is read up to 4 MiB', async () => {
    const counts = { mib: 0 };
    const base = await served((request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: ');
      endless(counts)(request, Object.assign(response, { writeHead: () => response }));
    });
    const told = follow({ base, token: 't' }, '/s', { signal: new AbortController().signal, timeoutMs: 5_000 });
    expect(await told.next()).toMatchObject({ value: { kind: 'open' } });
    expect((await failureOf(told.next())).kind).toBe('stranger');
    expect(counts.mib).toBeLessThan(30);
  });

  it('a list whose pages are empty and go on ends', async () => {
    let asked = 0;
    const base = await served((_, response) => {
      response.end(JSON.stringify({ deliveries: [], next_cursor: `c${asked++}` }));
    });
    expect((await failureOf(createAdminClient({ base, token: 't' }).everyDelivery({}, 10))).kind).toBe('stranger');
  });

  it('a page with more than was asked for is cut', async () => {
    const base = await served((_, response) => {
      response.end(JSON.stringify({ deliveries: Array(300_000).fill(1), next_cursor: null }));
    });
    const { items, more } = await createAdminClient({ base, token: 't' }).everyDelivery({}, 10);
    expect([items.length, more]).toEqual([10, true]);
  });
});

describe('an answer that drips', () => {
  /** One byte after the other, for as long as somebody reads. */
  const drip =
    (type: string): RequestListener =>
    (_, response) => {
      response.writeHead(200, { 'content-type': type });
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    };

  it.each(['one answer', 'readiness', 'metrics', 'a list'])('%s is given up at the time limit', async (name) => {
    const base = await served(drip('application/json'));
    expect((await failureOf(ASKS[name]!(createAdminClient({ base, token: 't' }, 300)))).kind).toBe('slow');
  });

  it('a refusal of the live stream is given up at the time limit', async () => {
    const base = await served((_, response) => {
      response.writeHead(500, { 'content-type': 'application/problem+json' });
      const timer = setInterval(() => response.write(' '), 20);
      response.on('close', () => clearInterval(timer));
    });
    const client = createAdminClient({ base, token: 't' }, 300);
    expect((await failureOf(ASKS['the live stream']!(client))).kind).toBe('slow');
  });
});

describe('JSON that is none of a sidecar', () => {
  const deep = '['.repeat(2_000_000) + ']'.repeat(2_000_000);
  it.each([
    ['nested two million deep', `{"tracked":${deep},"by_priority":{}}`],
    ['nested objects', `{"tracked":${'{"a":'.repeat(500_000)}1${'}'.repeat(500_000)},"by_priority":{}}`],
    ['a list', '[]'],
    ['a text', '"tracked"'],
    ['null', 'null'],
    ['nothing', ''],
    ['UTF-16', Buffer.from('{"tracked":1}', 'utf16le')],
  ])('%s comes from a stranger', async (_name, body) => {
    const base = await served((_, response) => response.end(body));
    expect((await failureOf(createAdminClient({ base, token: 't' }).stats())).kind).toBe('stranger');
  });

  it.each([
    ['text/html', 'text/html'],
    ['another stream', 'application/octet-stream'],
    ['no type', ''],
  ])('the live stream as %s comes from a stranger', async (_name, type) => {
    const base = await served((_, response) => {
      if (type !== '') response.setHeader('content-type', type);
      response.end('data: {}\n\n');
    });
    for (const name of ['the live stream', 'an export'])
      expect((await failureOf(ASKS[name]!(createAdminClient({ base, token: 't' })))).kind).toBe('stranger');
  });
});

it.each([301, 302, 303, 307, 308])('a redirect (%i) is followed by no request of any kind', async (status) => {
  let asked = 0;
  const other = await served((_, response) => {
    asked++;
    response.end('{}');
  });
  const base = await served((_, response) => response.writeHead(status, { location: `${other}/x` }).end());
  const client = createAdminClient({ base, token: 'secret' });
  const why = { reason: 'r', by: 'b' };
  const changes = [client.change('resend', 'd-1', why), client.replay({ user: 'a' }, { ...why, dryRun: true })];
  for (const ask of [...Object.values(ASKS).map((each) => each(client)), ...changes])
    expect((await failureOf(ask)).kind).toBe('stranger');
  expect(asked).toBe(0);
});

it('a place in the stream that fits into no header is not taken over', async () => {
  const places: (string | undefined)[] = [];
  const serve: RequestListener = ({ headers }, response: ServerResponse) => {
    places.push(headers['last-event-id'] as string | undefined);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const ids = ['r.1', 'é\u202e名', 'x'.repeat(100_000)];
    response.end(`retry: 1\n\n${ids.map((id) => `id: ${id}\ndata: {}\n\n`).join('')}`);
  };
  const ended = new AbortController();
  const told = follow({ base: await served(serve), token: 't' }, '/s', { signal: ended.signal, timeoutMs: 5_000 });
  for await (const { kind } of told) if (kind === 'back') ended.abort();
  expect(places.slice(0, 2)).toEqual([undefined, 'r.1']);
});

describe('words of the sidecar’s own', () => {
  it.each([
    ['an escape', '\u001b[2Jx', '\\u{1b}[2Jx'],
    ['a name of the window', '\u001b]0;x\u0007', '\\u{1b}]0;x\\u{7}'],
    ['a C1 control', '\u009b31m', '\\u{9b}31m'],
    ['a line', 'failed\nCause: all is well', 'failed\\u{a}Cause: all is well'],
    ['turned round', '\u202etxet\u202c', '\\u{202e}txet\\u{202c}'],
    ['isolated', '\u2066x\u2069', '\\u{2066}x\\u{2069}'],
    ['a zero-width blank', 'time\u200bout', 'time\\u{200b}out'],
  ])('%s shows its code points', (_name, given, shown) => {
    const read = readAnswer(JSON.stringify({ status: given, life: [given], by: { [given]: 1 } }));
    expect(read).toEqual({ status: shown, life: [shown], by: { [shown]: 1 } });
  });

  it('texts of others stay as they are, because they are asked for again', () => {
    const user = 'ann\u200b\u001b[2J';
    expect(readAnswer(JSON.stringify({ user, status: 'failed' }))).toEqual({ user, status: 'failed' });
  });
});
