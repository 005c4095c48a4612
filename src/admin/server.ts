// admin: the admin server: entry → route → answer or change, on its own port or under a path of the public one.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { aboutRoute } from './about.ts';
import { acrossList, acrossOne, answerAcross } from './across.ts';
import { readBody } from './body.ts';
import { changeRoutes } from './changes.ts';
import { connectionRoute, connectionsRoute } from './connections.ts';
import { deadLetterRoutes } from './dead-letters.ts';
import { deliveriesRoute } from './deliveries.ts';
import { deliveryRoute } from './delivery.ts';
import { drainRoutes } from './drain.ts';
import { createEntry, type Entry } from './entry.ts';
import { isLoopback } from './guard.ts';
import { healthRoutes } from './health.ts';
import { loginRoutes } from './login.ts';
import { messagesRoute } from './messages.ts';
import { openapiRoute } from './openapi.ts';
import { pageRoutes } from './page-files.ts';
import { createPast, type Past } from './past.ts';
import { createAbreast, createAdminCounters, createPlaces } from './places.ts';
import type { AdminDeps } from './ports.ts';
import { reloadRoute } from './reload.ts';
import { replayRoute } from './replay.ts';
import { options, problem, redirect, writeReply } from './reply.ts';
import { type Ask, matchRoute, methodsOf, type Reply, type Route } from './route.ts';
import { scrapeRoute } from './scrape.ts';
import { sessionsRoute } from './sessions.ts';
import { statsRoute } from './stats.ts';
import { streamRoute } from './stream.ts';
import { linesRoute, summaryRoute } from './summary.ts';
import { topRoute } from './top.ts';
import { unmatchedRoute } from './unmatched.ts';
import { createWalk, type Walk } from './walk.ts';

/** Most admin connections at once: people, scrapers and probes, not traffic. */
const CONNECTION_LIMIT = 1024;
/** Time-out from a connection to its first request, and of each head, ms. */
const HEAD_MS = 5_000;
/** Time-out of each request, body included, ms. */
const REQUEST_MS = 10_000;
/** Gap between two looks for late requests, ms. */
const CHECK_MS = 1_000;
/** How long an answer may lie unread, ms. */
const STALL_MS = 30_000;
/** How long followers may take to read the last steps when the server is closed, ms. */
const LAST_WORDS_MS = 250;

/**
 * Requests of one connection that are answered side by side: whole answers wait in memory until the
 * one before is read.
 */
const ABREAST_LIMIT = 16;

/** Longest request target, characters. */
const URL_LIMIT = 8_192;

const ABREAST = problem(429, `A connection asks ${ABREAST_LIMIT} things at once at most.`, {
  headers: { 'Retry-After': '1', Connection: 'close' },
});

/** The admin server, not yet listening. */
export interface Admin {
  /** Open connections of its own port. */
  readonly connections: number;
  /** Begins to keep the statistics of the last hour, with or without a reader. */
  begin(): void;
  /**
   * Resolves with the address in use; rejects when the port is taken. Throws for a host other than
   * loopback without a token.
   */
  listen(host: string, port: number): Promise<AddressInfo>;
  /**
   * Answers a request of the public port whose path starts with `mount`, e.g. `/.ackspan`. Without
   * a token only health is served there.
   */
  handle(request: IncomingMessage, response: ServerResponse, mount: string): void;
  /** What another instance gets for its reader: JSON; '' = nothing. */
  answer(target: string): Promise<string>;
  /** Stops listening and ends every open response. */
  close(): Promise<void>;
}

/** Parts that resources share and that are not given from outside. */
interface Parts {
  readonly entry: Entry;
  readonly past: Past;
  readonly walk: Walk;
  /** Called when the server is closed. */
  readonly closing: Set<() => void>;
}

/** The parts that one admin server is made of. */
export function createParts(deps: AdminDeps): Parts {
  const { token, settings, statistics, info, now, wallOf } = deps;
  const report = (error: unknown): void => deps.report({ stage: 'admin', error });
  return {
    closing: new Set(),
    walk: createWalk({ store: deps.store }),
    entry: createEntry({ token, readOnly: settings.readOnly, now, wallOf }),
    past: createPast({ startedAt: info.startedAt, totals: () => statistics.totals(), now, report }),
  };
}

/** Every resource, in the order in which paths are matched. */
export function createRoutes(deps: AdminDeps, { entry, past, walk, closing }: Parts): readonly Route[] {
  const shared = sharedRoutes(deps, walk);
  const [deliveries, delivery, sessions] = shared;
  return [
    ...healthRoutes(deps),
    scrapeRoute(deps),
    aboutRoute(deps),
    ...loginRoutes(entry, () => deps.wallOf(deps.now())),
    statsRoute(deps),
    summaryRoute(deps, past),
    linesRoute(deps, past),
    topRoute(deps, walk),
    ...shared,
    acrossList(deps, deliveries, 'deliveries', 'sent_at'),
    acrossOne(deps, delivery, 'sent_at'),
    acrossList(deps, sessions, 'sessions'),
    ...changeRoutes(deps),
    replayRoute(deps, walk),
    reloadRoute(deps),
    ...deadLetterRoutes(deps, closing),
    ...drainRoutes(deps),
    connectionsRoute(deps),
    connectionRoute(deps),
    messagesRoute(deps),
    unmatchedRoute(deps),
    streamRoute(deps, past, closing),
    openapiRoute(deps),
    ...pageRoutes(deps.pageFolder),
  ];
}

/** What other instances may read here, for their readers. */
function sharedRoutes(deps: AdminDeps, walk: Walk): readonly [deliveries: Route, delivery: Route, sessions: Route] {
  return [deliveriesRoute(deps, walk), deliveryRoute(deps), sessionsRoute(deps)];
}

/** Everything but writing: a request in, a reply out. `mount` is undefined on the own port. */
function createAnswerer(deps: AdminDeps, parts: Parts) {
  const routes = createRoutes(deps, parts);
  return async (request: IncomingMessage, mount: string | undefined): Promise<Reply> => {
    const { headers } = request;
    const url = (request.url ?? '').slice(mount?.length ?? 0);
    if (url.length > URL_LIMIT) return problem(414, `A request target has at most ${URL_LIMIT} characters.`);
    const cut = url.indexOf('?');
    const path = cut < 0 ? url : url.slice(0, cut);
    const found = matchRoute(routes, path === '' ? '/' : path);
    const method = request.method ?? '';
    const peer = (request.socket.remoteAddress ?? '').replace(/^::ffff:/, '');
    // node:http joins repeated lines of this header in their order.
    const remote = deps.clientAddress?.(peer, String(headers['x-forwarded-for'] ?? '')) ?? peer;
    const entered = parts.entry.judge({ headers, method, remote, mount, route: found?.route });
    if ('kind' in entered) return entered;
    if (found === undefined) return problem(404, 'No such resource. /openapi.json lists what there is.');
    // Without the last slash the page's relative addresses would lead past the mount.
    if (path === '' && mount !== undefined) return redirect(`${mount}/`);
    const { route, params } = found;
    const allowed = { Allow: methodsOf(route) };
    if (method === 'OPTIONS') return options(allowed);
    const lastEventId = headers['last-event-id'];
    const ask: Ask = {
      params,
      search: cut < 0 ? '' : url.slice(cut + 1),
      accept: headers.accept ?? '',
      encodings: String(headers['accept-encoding'] ?? ''),
      from: `${remote} ${headers['user-agent'] ?? ''}`,
      lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
      trusted: entered.trusted,
      mount: mount ?? '',
      via: entered.via,
      remote,
    };
    if ((method === 'GET' || method === 'HEAD') && route.answer !== undefined) return route.answer(ask);
    if (method !== 'POST' || route.change === undefined)
      return problem(405, `This resource has ${allowed.Allow}.`, { headers: allowed });
    const read = await readBody(request);
    if ('kind' in read) return read;
    const secure = headers['x-forwarded-proto'] === 'https' || 'encrypted' in request.socket;
    return route.change({ ...ask, body: read.body, cookies: headers.cookie ?? '', secure });
  };
}

/** Builds the admin server. A fault of its own becomes a 500 and one report. */
export function createAdmin(deps: AdminDeps): Admin {
  const parts = createParts(deps);
  const answer = createAnswerer(deps, parts);
  const mounted = createAbreast();
  /** Open responses, also those of the public port, that go on until a side ends them. */
  const streams = new Set<ServerResponse>();

  async function respond(request: IncomingMessage, response: ServerResponse, mount: string | undefined): Promise<void> {
    const headOnly = request.method === 'HEAD';
    try {
      const reply = await answer(request, mount);
      if (reply.kind === 'stream') {
        streams.add(response);
        response.once('close', () => streams.delete(response));
      }
      writeReply(response, reply, headOnly);
    } catch (error) {
      deps.report({ stage: 'admin', error });
      if (response.headersSent) response.destroy();
      else writeReply(response, problem(500, 'The answer could not be made; the log says why.'), headOnly);
    }
  }

  const limits = { requestTimeout: REQUEST_MS, headersTimeout: HEAD_MS, connectionsCheckingInterval: CHECK_MS };
  const server = createServer(limits, (request, response) => {
    if (places.answering(request.socket, response) <= ABREAST_LIMIT) void respond(request, response, undefined);
    else writeReply(response, ABREAST, false);
  });
  const places = createPlaces(server, {
    limit: CONNECTION_LIMIT,
    stallMs: STALL_MS,
    counters: deps.counters ?? createAdminCounters(),
    report: deps.report,
  });

  return {
    get connections() {
      return places.taken;
    },
    begin() {
      parts.past.begin();
    },
    listen(host, port) {
      if (deps.token === undefined && !isLoopback(host))
        throw new Error(`the admin server needs a token to listen on ${host}: only loopback goes without`);
      return new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, () => {
          server.off('error', reject);

          server.on('error', (error) => deps.report({ stage: 'admin', error }));
          resolve(server.address() as AddressInfo);
        });
      });
    },
    answer: (target) => answerAcross(sharedRoutes(deps, parts.walk), target, deps.across?.instance ?? ''),
    handle(request, response, mount) {
      if (mounted.begin(request.socket, response) <= ABREAST_LIMIT) void respond(request, response, mount);
      else writeReply(response, ABREAST, false);
    },
    async close() {
      parts.past.stop();
      // The only error says that the server never listened, so it is closed already.
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Followers get the last steps, because only these tell how a shutdown ended deliveries in
      // flight.
      for (const end of parts.closing) end();
      await ended(streams);
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Ends the responses. Resolves when all are out, or their readers have had their time. */
async function ended(responses: Iterable<ServerResponse>): Promise<void> {
  const out = Array.from(
    responses,
    (response) =>
      new Promise<void>((resolve) => {
        response.once('close', resolve);
        response.end(() => resolve());
      }),
  );
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, LAST_WORDS_MS);
  });
  await Promise.race([Promise.all(out), late]);
  clearTimeout(timer);
}
