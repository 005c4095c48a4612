// Users, their sessions and their connections through a whole sidecar: whatever comes and goes, nothing of a user is left behind.
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Owners } from '../../src/identity/owners.ts';
import { createSidecar } from '../../src/sidecar/sidecar.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { propertyOptions } from '../support/seed.ts';
import { event, startWsBackend, tell } from '../support/ws-peers.ts';

const made = vi.hoisted((): Owners[] => []);
vi.mock('../../src/identity/owners.ts', async (original) => {
  const real = await original<typeof import('../../src/identity/owners.ts')>();
  const createOwners: typeof real.createOwners = (options) => {
    const owners = real.createOwners(options);
    made.push(owners);
    return owners;
  };
  return { ...real, createOwners };
});

beforeEach(() => {
  made.length = 0;
});
afterEach(closeAll);

const USERS = ['ann', 'bob'];
const LIMIT = 3;
/** What the sidecar says of itself that would be a bug. */
const BUG = /^(tap|track|resume|watch|relay\.upgraded|relay\.admit)/;

async function start() {
  const backend = await startWsBackend();
  const text = JSON.stringify({
    upstream: backend.address,
    listen: '127.0.0.1:0',
    admin: { listen: '127.0.0.1:0' },
    identity: { user: 'query:user, event', trust: 'upstream' },
    limits: { connections_per_user: LIMIT },
    sessions: { ttl: '1s' },
    shutdown: { grace: '0ms' },
  });
  const { config, faults } = loadConfig({ env: {}, file: { name: 'test.yaml', text }, defaults: DEFAULTS });
  if (config === undefined) throw new Error(JSON.stringify(faults));
  const bugs: string[] = [];
  const refused: string[] = [];
  const sidecar = createSidecar({
    config,
    report: ({ stage, error }) => {
      if (BUG.test(stage)) bugs.push(`${stage}: ${error}`);
      if (stage === 'relay.limit') refused.push(String(error));
    },
    log: { debug() {}, info() {}, warn() {} },
  });
  const { listen, admin } = await sidecar.start();
  const views = async () => {
    const response = await fetch(`http://127.0.0.1:${admin!.port}/api/v1/connections?limit=500`);
    return ((await response.json()) as { connections: { user: string | null }[] }).connections;
  };
  atEnd(() => sidecar.stop('the test is over'));
  return { backend, ws: `ws://127.0.0.1:${listen.port}`, owners: made.at(-1)!, bugs, refused, views };
}

/** A client that remembers its session; resolves when it is open or refused. */
async function connect(address: string): Promise<Client> {
  const socket = new WebSocket(address);
  atEnd(() => socket.terminate());
  const client: Client = { socket, session: undefined, code: undefined };
  socket.on('message', (data) => {
    const message = JSON.parse(String(data)) as { ackspan?: string; session: string; token: string };
    if (message.ackspan === 'welcome') client.session = message;
  });
  socket.on('error', () => {});
  await new Promise<void>((resolve) => {
    socket.once('open', resolve);
    socket.once('close', (code) => {
      client.code = code;
      resolve();
    });
  });
  return client;
}

interface Client {
  readonly socket: WebSocket;
  session: { readonly session: string; readonly token: string } | undefined;
  /** Of the close; undefined = open. */
  code: number | undefined;
}

it('[D7] handshakes of one user that were let in together: those past the limit end with 1013, the others stay', async () => {
  const { backend, ws, owners, bugs, refused } = await start();
  // The upstream answers only when all handshakes have passed the first check.
  let asked = 0;
  let all = (): void => {};
  const together = new Promise<void>((resolve) => {
    all = resolve;
  });
  backend.server.options.verifyClient = (_info: unknown, let_in: (ok: boolean) => void) => {
    if (++asked === 6) all();
    void together.then(() => let_in(true));
  };
  const clients = await Promise.all(Array.from({ length: 6 }, () => connect(`${ws}/?user=ann`)));
  await eventually(() => expect(clients.filter(({ code }) => code === 1013)).toHaveLength(3));
  expect(clients.filter(({ socket }) => socket.readyState === WebSocket.OPEN)).toHaveLength(LIMIT);
  await eventually(() => expect(owners.connections('ann')).toBe(LIMIT));
  expect(refused).toHaveLength(3);
  for (const { socket } of clients) socket.close(1000);
  await eventually(() => expect(owners.size).toBe(0));
  expect(bugs).toEqual([]);
});

it('[D7] a session of a stranger’s making is no way around the limit', async () => {
  const { ws, owners } = await start();
  for (let n = 0; n < LIMIT; n++) await connect(`${ws}/?user=ann`);
  const extra = await connect(`${ws}/?user=ann&ackspan=1&ackspan_session=made-up&ackspan_token=made-up`);
  await eventually(() => expect(extra.code).toBe(1013));
  await eventually(() => expect(owners.connections('ann')).toBe(LIMIT));
});

const step = fc.record({
  act: fc.constantFrom('open', 'open', 'open', 'optIn', 'optIn', 'resume', 'close', 'cut', 'say', 'end', 'drop'),
  user: fc.constantFrom('ann', 'bob', undefined),
  at: fc.nat(30),
  wait: fc.boolean(),
});

it('[D7] random coming and going: owners, sessions and connections are all given back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 80 }), async (steps) => {
      const { backend, ws, owners, bugs, views } = await start();
      const clients: Client[] = [];
      const opening: Promise<unknown>[] = [];
      const open = async (query: string, wait: boolean) => {
        const opened = connect(`${ws}/?${query}`).then((client) => clients.push(client));
        opening.push(opened);
        if (wait) await opened;
      };
      for (const { act, user, at, wait } of steps) {
        const who = user === undefined ? '' : `user=${user}`;
        const client = clients[at % Math.max(1, clients.length)];
        const peer = backend.peers[at % Math.max(1, backend.peers.length)];
        if (act === 'open') await open(who, wait);
        else if (act === 'optIn') await open(`ackspan=1&${who}`, wait);
        else if (act === 'resume' && client?.session !== undefined) {
          const { session, token } = client.session;
          const own = new URL(client.socket.url).searchParams.get('user');
          await open(`ackspan=1&ackspan_session=${session}&ackspan_token=${token}${own ? `&user=${own}` : ''}`, wait);
        } else if (act === 'close') client?.socket.close(1000);
        else if (act === 'cut') client?.socket.terminate();
        else if (act === 'say' && peer?.socket.readyState === WebSocket.OPEN)
          tell(peer, event(`e${at}`, 'agent_thinking', { user_id: user }));
        else if (act === 'end') peer?.socket.close(1000);
        else if (act === 'drop') peer?.socket.terminate();
      }
      await Promise.all(opening);
      await eventually(async () => {
        const open = await views();
        for (const user of USERS)
          expect(owners.connections(user), user).toBe(open.filter((each) => each.user === user).length);
      });
      for (const { socket } of clients) socket.terminate();
      for (const { socket } of backend.peers) socket.terminate();
      await eventually(() =>
        expect([owners.size, ...USERS.map((user) => owners.connections(user))]).toEqual([0, 0, 0]),
      );
      expect(bugs).toEqual([]);
    }),
    { ...propertyOptions(8), endOnFailure: true },
  );
});
