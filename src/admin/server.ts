// admin: the admin server. guard → route → answer; it only reads, on its own port or mounted under a path of the public one.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectionsRoute } from './connections.ts';
import { deliveriesRoute } from './deliveries.ts';
import { deliveryRoute } from './delivery.ts';
import { createBearerCheck, isLoopback, namesLoopback } from './guard.ts';
import { healthRoutes } from './health.ts';
import { openapiRoute } from './openapi.ts';
import { createAdminCounters, createPlaces } from './places.ts';
import type { AdminDeps } from './ports.ts';
import { options, problem, writeReply } from './reply.ts';
import { matchRoute, type Reply, type Route } from './route.ts';
import { scrapeRoute } from './scrape.ts';
import { statsRoute } from './stats.ts';
import { streamRoute } from './stream.ts';

/** Most admin connections at once: people, scrapers and probes, not traffic. */
const CONNECTION_LIMIT = 1024;
/** From a connection to its first request, and of each head, ms. */
const HEAD_MS = 5_000;
/** Of each request, body included, ms. */
const REQUEST_MS = 10_000;
/** How often late ones are looked for, ms. */
const CHECK_MS = 1_000;
/** How long an answer may lie unread, ms. */
const STALL_MS = 30_000;

/** What every resource can be asked with (RFC 9110 §10.2.1). */
const ALLOWED = { Allow: 'GET, HEAD, OPTIONS' } as const;

/** The admin server, not yet listening. */
export interface Admin {
  /** Open connections of its own port. */
  readonly connections: number;
  /** Resolves with the address in use; rejects when the port is taken. Throws for a host other than loopback without a token. */
  listen(host: string, port: number): Promise<AddressInfo>;
  /** Answers a request of the public port whose path starts with `mount`, e.g. `/.ackspan`. Without a token only health is served there. */
  handle(request: IncomingMessage, response: ServerResponse, mount: string): void;
  /** Stops listening and ends every open response. */
  close(): Promise<void>;
}

/** Every resource, in the order in which paths are matched. */
export function createRoutes(deps: AdminDeps): readonly Route[] {
  return [
    ...healthRoutes(deps),
    scrapeRoute(deps),
    statsRoute(deps),
    deliveriesRoute(deps),
    deliveryRoute(deps),
    connectionsRoute(deps),
    streamRoute(deps),
    openapiRoute(deps),
  ];
}

/** Everything but writing: a request in, a reply out. `mount` is undefined on the own port. */
function createAnswerer(deps: AdminDeps) {
  const routes = createRoutes(deps);
  const bearer = createBearerCheck(deps.token);
  return (request: IncomingMessage, mount: string | undefined): Reply | Promise<Reply> => {
    if (mount === undefined && deps.token === undefined && !namesLoopback(request.headers.host))
      return problem(421, 'Without a token the admin server answers only to a loopback name in the Host header.');
    const url = (request.url ?? '').slice(mount?.length ?? 0);
    const cut = url.indexOf('?');
    const found = matchRoute(routes, cut < 0 ? url : url.slice(0, cut));
    const authorized = bearer(request.headers) && (mount === undefined || deps.token !== undefined);
    if (!authorized && found?.route.open !== true) return refusal(deps.token);
    if (found === undefined) return problem(404, 'No such resource. /openapi.json lists what there is.');
    if (request.method === 'OPTIONS') return options(ALLOWED);
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return problem(405, 'This resource is only read.', { headers: ALLOWED });
    return found.route.answer({
      params: found.params,
      search: cut < 0 ? '' : url.slice(cut + 1),
      accept: request.headers.accept ?? '',
      trusted: authorized || mount === undefined,
      mount: mount ?? '',
    });
  };
}

/** Builds the admin server. Faults of its own become a 500 and one report; they reach nobody else. */
export function createAdmin(deps: AdminDeps): Admin {
  const answer = createAnswerer(deps);
  /** Responses that go on until somebody ends them, also those of the public port. */
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
    places.answering(request.socket, response);
    void respond(request, response, undefined);
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
    handle(request, response, mount) {
      void respond(request, response, mount);
    },
    close() {
      return new Promise((resolve) => {
        // Its only error says that it never listened, which is as closed as it gets.
        server.close(() => resolve());
        server.closeAllConnections();
        for (const response of streams) response.end();
      });
    },
  };
}

function refusal(token: string | undefined): Reply {
  if (token === undefined)
    return problem(403, 'On the public port only health is served unless a token is configured.');
  return problem(401, 'Send the admin token as "Authorization: Bearer …".', {
    headers: { 'WWW-Authenticate': 'Bearer realm="ackspan"' },
  });
}
