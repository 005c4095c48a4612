// An admin server on a free loopback port over a real memory store, with everything else under the test's control.
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { type ConnectionBook, createConnectionBook } from '../../src/admin/connection-book.ts';
import type { AdminDeps, ConnectionView } from '../../src/admin/ports.ts';
import type { Ask } from '../../src/admin/route.ts';
import { type Admin, createAdmin } from '../../src/admin/server.ts';
import type { EventType } from '../../src/delivery/policy.ts';
import type { Fault, Store } from '../../src/delivery/ports.ts';
import { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import {
  ERROR_TYPES,
  LEVELS,
  OUTCOMES,
  type Outcome,
  type Priority,
  UNVERIFIABLE_REASONS,
} from '../../src/delivery/words.ts';
import { createMemoryStore } from '../../src/store/memory.ts';

/** Noon of 1 March 2026, ms since the epoch: when every test takes place. */
export const NOON = Date.parse('2026-03-01T12:00:00.000Z');

export interface Got {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; a test reads what it expects to find. */
  readonly body: Body;
}

/** What the tests read of answers; one answer has some of these members. */
export interface Body {
  readonly id: string;
  readonly timestamp: number;
  readonly deliveries: readonly { readonly id: string }[];
  readonly unmatched: readonly { readonly event_id: string }[];
  readonly next_cursor: string;
  readonly timeline: readonly { readonly at: string; readonly after_ms: number }[];
  readonly same_event: { readonly count: number; readonly deliveries: readonly object[] };
  readonly connections: readonly { readonly id: string; readonly opened_at: string }[];
  readonly errors: readonly { readonly parameter: string; readonly allowed: readonly string[] }[];
  readonly delivery: { readonly status: string };
  readonly code: string;
  readonly result: string | null;
  readonly sent: number;
  readonly matched: number;
  readonly more: boolean;
  readonly reasons: readonly string[];
  readonly servers: readonly { readonly url: string }[];
}

interface Options {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export interface Served {
  readonly admin: Admin;
  readonly address: AddressInfo;
  readonly store: Store;
  readonly faults: Fault[];
  get(path: string, options?: Options): Promise<Got>;
  /** Sends a change as the page does. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Got>;
}

export function askHttp(port: number, path: string, { body, ...options }: Options = {}): Promise<Got> {
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: '127.0.0.1', port, path, agent: false, ...options }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const isJson = /[/+]json$/.test(response.headers['content-type'] ?? '') && text !== '';
        const body = (isJson ? JSON.parse(text) : {}) as Body;
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, body });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

export const SETTINGS: AdminDeps['settings'] = {
  readOnly: false,
  payloads: false,
  redact: ['token', 'password'],
  traceUrl: undefined,
  objective: { all: 0.95, critical: 0.99, high: 0.97, normal: 0.95, low: 0.9 },
};

const zero = <N extends string>(names: readonly N[]) =>
  Object.fromEntries(names.map((name) => [name, 0])) as Record<N, number>;

/**
 * Totals of a process in which nothing has happened; fresh ones, so that a test may count in them.
 */
export function noTotals() {
  const counts = () => zero(['tracked', 'shed', ...OUTCOMES]);
  return {
    pending: 0,
    connections: 0,
    byPriority: { critical: counts(), high: counts(), normal: counts(), low: counts() },
    losses: zero(ERROR_TYPES.filter((type) => type !== '')),
    unverified: zero(UNVERIFIABLE_REASONS),
    levels: zero(LEVELS),
    latency: new Float64Array(100),
  };
}

/** A book of these connections, all open. */
export function bookOf(...views: readonly ConnectionView[]): ConnectionBook<ConnectionView> {
  const book = createConnectionBook((view: ConnectionView) => view);
  for (const view of views) book.opened(view.id, view, view.openedAt);
  return book;
}

/** A question as a route is asked it. */
export const ASK: Ask = {
  params: {},
  search: '',
  accept: '',
  encodings: '',
  from: '',
  lastEventId: undefined,
  trusted: true,
  mount: '',
  via: 'open',
  remote: '127.0.0.1',
};

/** Everything the admin server needs, with harmless answers; the test replaces what it is about. */
export function adminDeps(change: Partial<AdminDeps> = {}): AdminDeps {
  return {
    store: createMemoryStore({ history: 1000 }),
    stats: () => ({ tracked: 0 }),
    statistics: { totals: noTotals, latencyMs: (bucket) => bucket },
    connections: () => [],
    book: createConnectionBook((view: ConnectionView) => view),
    audit: () => undefined,
    pageFolder: '',
    settings: SETTINGS,
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', body: 'up 1\n' }),
    health: () => ({ ready: true, reasons: [] }),
    info: { service: 'ackspan', version: '1.2.3', startedAt: NOON - 60_000 },
    token: undefined,
    now: () => NOON,
    wallOf: (at) => at,
    report: () => undefined,
    ...change,
  };
}

export async function serve(change: Partial<AdminDeps> = {}): Promise<Served> {
  const faults: Fault[] = [];
  const store = createMemoryStore({ history: 1000 });
  const deps = adminDeps({ store, report: (fault) => faults.push(fault), ...change });
  const admin = createAdmin(deps);
  const address = await admin.listen('127.0.0.1', 0);
  onTestFinished(() => admin.close());
  const get: Served['get'] = (path, options) => askHttp(address.port, path, options);
  const post: Served['post'] = (path, body, headers = {}) =>
    get(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-ackspan-request': '1', ...headers },
      body: JSON.stringify(body),
    });
  return { admin, address, store, faults, get, post };
}

/** The admin handler under `/.ackspan` of a stand-in for the public listener. */
export async function serveMounted(change: Partial<AdminDeps>): Promise<number> {
  const admin = createAdmin(adminDeps(change));
  const server = createServer((request, response) => admin.handle(request, response, '/.ackspan'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

export function eventType(name: string, priority: Priority = 'normal'): EventType {
  const policy = { priority, confirm: 'auto', timeoutMs: 30_000, attemptsMs: [1000, 2000, 4000] } as const;
  return { name, index: 0, label: name, policy };
}

export const ada = new Session('session-ada', new Owner('ada'));
export const bob = new Session('session-bob', new Owner('bob'));

interface Facts {
  readonly seq: number;
  readonly session?: Session;
  readonly id?: string;
  readonly type?: EventType;
  readonly at?: number;
}

/** A delivery in flight. */
export function track(store: Store, { seq, session = ada, id, type = eventType('tool_executing'), at = NOON }: Facts) {
  const facts = { type, id, run: 'run-1', user: undefined, tool: 'search', toolCall: 'call-1', traceparent: undefined };
  const delivery = new Delivery(seq, session, seq, { ...facts, bytes: 120 }, 'received', at);
  store.add(delivery);
  return delivery;
}

/** Ends it as the tracker would. */
export function settle(store: Store, delivery: Delivery, status: Outcome, at = NOON + 5): void {
  delivery.status = status;
  delivery.settledAt = at;
  if (status === 'confirmed') delivery.level = 'received';
  if (status === 'confirmed') delivery.receivedAt = at;
  if (status === 'timeout') delivery.errorType = 'timeout';
  store.settle(delivery);
}

export function connection(seq: number, change: Partial<ConnectionView> = {}): ConnectionView {
  return {
    id: `c-${seq}`,
    seq,
    session: `s-${seq}`,
    user: undefined,
    claimedUser: undefined,
    capability: 'received',
    openedAt: NOON,
    remote: '127.0.0.1',
    path: '/ws',
    pending: 0,
    messages: 3,
    ...change,
  };
}
