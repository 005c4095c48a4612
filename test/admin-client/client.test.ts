// What a caller of the admin client is told when the far end is gone, slow, closed to it, or somebody else.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTcp } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createAdminClient } from '../../src/admin-client/client.ts';
import { AdminFailure } from '../../src/admin-client/failure.ts';
import { hints } from '../../src/admin-client/reach.ts';
import { closeAll, listenOn } from '../support/backends.ts';

afterEach(closeAll);

async function served(answer: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listenOn(createServer(answer))}`;
}

async function failureOf(base: string, timeoutMs = 5_000): Promise<AdminFailure> {
  const failure = await createAdminClient({ base, token: 'secret' }, timeoutMs)
    .stats()
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(AdminFailure);
  return failure as AdminFailure;
}

function problem(status: number, body: object): RequestListener {
  return (_, response) =>
    response.writeHead(status, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ status, ...body }));
}

it('nobody listens: unreachable, with the reason of the system, and how to get there on each platform', async () => {
  const server = createTcp();
  const port = await listenOn(server);
  server.close();
  await once(server, 'close');
  const failure = await failureOf(`http://127.0.0.1:${port}`);
  expect(failure.kind).toBe('unreachable');
  expect(failure.message).toContain('ECONNREFUSED');
  const said = hints(failure, { base: `http://127.0.0.1:${port}`, token: undefined }).join('\n');
  expect(said).toContain('kubectl port-forward');
  expect(said).toContain('gcloud run services proxy');
  expect(said).toContain('admin.mount');
});

it('a server that never answers is slow', async () => {
  const failure = await failureOf(await served(() => {}), 200);
  expect([failure.kind, failure.message]).toEqual(['slow', expect.stringContaining('within 0.2 s')]);
});

describe('answers', () => {
  it.each([
    [401, { detail: 'Send the token.' }, 'token'],
    [403, { detail: 'No.' }, 'forbidden'],
    [404, { detail: 'None.' }, 'missing'],
    [409, { detail: 'Settled.' }, 'refused'],
    [429, { detail: 'Too many.' }, 'busy'],
    [503, { detail: '16 followers.' }, 'busy'],
    [500, { detail: 'Broken.' }, 'broken'],
  ])('%i is %j → %s', async (status, body, kind) => {
    const failure = await failureOf(await served(problem(status, body)));
    expect(failure.kind).toBe(kind);
    expect(failure.message).toContain(body.detail);
  });

  it('each fault of a query is repeated with what would do', async () => {
    const errors = [{ parameter: 'status', fault: 'has an unknown value', allowed: ['pending', 'failed'] }];
    const failure = await failureOf(await served(problem(400, { detail: 'These are wrong: status.', errors })));
    expect(failure.message).toBe('These are wrong: status. status: has an unknown value (allowed: pending, failed).');
  });

  it.each<[string, RequestListener]>([
    ['HTML', (_, response) => response.end('<html>')],
    ['JSON of somebody else', (_, response) => response.end('{"ok":true}')],
    ['JSON that is no object', (_, response) => response.end('3')],
    ['404 without a problem', (_, response) => response.writeHead(404).end('not found')],
    ['a redirect', (_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/login' }).end()],
  ])('%s comes from a stranger', async (_name, answer) => {
    expect((await failureOf(await served(answer))).kind).toBe('stranger');
  });

  it('a redirect is not followed, so the token goes nowhere else', async () => {
    let asked = 0;
    const other = await served((_, response) => {
      asked++;
      response.end();
    });
    await failureOf(await served((_, response) => response.writeHead(307, { location: `${other}/` }).end()));
    expect(asked).toBe(0);
  });

  it('an answer that breaks off is unreachable', async () => {
    const base = await served((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{');
      response.socket?.destroy();
    });
    expect((await failureOf(base)).kind).toBe('unreachable');
  });
});

it('ids are one part of the path, whatever is in them', async () => {
  const paths: string[] = [];
  const base = await served((request, response) => {
    paths.push(request.url ?? '');
    response.writeHead(404, { 'content-type': 'application/problem+json' }).end('{"detail":"None."}');
  });
  const client = createAdminClient({ base, token: undefined });
  for (const id of ['../../metrics', 'a/b?c#d', 'e%2f', '..'])
    await client.delivery(id).catch((error: AdminFailure) => expect(error.kind).toBe('missing'));
  // `..` is a folder in every spelling, so it is not even asked for.
  expect(paths.map((path) => path.split('/').length)).toEqual([5, 5, 5]);
});
