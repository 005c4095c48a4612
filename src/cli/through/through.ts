// cli: `ackspan check --through URL`: looks at the sidecar from where clients are, and at what the edge does to them.
import { randomBytes } from 'node:crypto';
import { probeTicket } from '../../front/probe-ticket.ts';
import { judgeLives, watchLives } from './cut.ts';
import type { Finding } from './finding.ts';
import { judgeAffinity, judgeClock, judgeFacts, judgeHandshake, judgePings, judgeRefusal, type Told } from './judge.ts';
import { openProbe, type Probe, type ProbeOptions } from './probe.ts';

/** Where the far end is looked for where the address has no path. */
const DEFAULT_PATH = '/.ackspan-check';
/** Connections by which affinity is looked at. */
const CONNECTIONS = 6;
/** How long a plain answer may take, ms. */
const DATE_MS = 5_000;

export interface ThroughOptions {
  /** `wss://…`, with the `check.path` of the sidecar where it is not `DEFAULT_PATH`. */
  readonly url: string;
  /** The admin token of the sidecar behind it. */
  readonly token: string;
  /** How long connections are watched, ms; 0 = not at all. */
  readonly lookMs: number;
}

/** Everything that was found. Throws a TypeError for an address that is none. */
export async function checkThrough({ url, token, lookMs }: ThroughOptions): Promise<Finding[]> {
  const target = probeUrl(url, token);
  const first = await openProbe(target);
  if ('hello' in first) return look(first, { url, target, lookMs, options: {}, failed: undefined });
  // A browser fails where the answer to its subprotocols is missing. What else there is to see can
  // be seen without them.
  const options = { protocols: [] };
  const second = first.status === 0 ? await openProbe(target, options) : first;
  if (!('hello' in second)) return [judgeRefusal(first)];
  return look(second, { url, target, lookMs, options, failed: first.reason });
}

interface Look extends Pick<ThroughOptions, 'url' | 'lookMs'> {
  readonly target: string;
  readonly options: ProbeOptions;
  /** Why a handshake with subprotocols failed; undefined = it did not. */
  readonly failed: string | undefined;
}

async function look(probe: Probe, { url, target, lookMs, options, failed }: Look): Promise<Finding[]> {
  const lives = lookMs === 0 ? undefined : watchLives(target, lookMs, options);
  const findings = [
    ...judgeHandshake(probe, failed),
    ...(await pings(probe)),
    await affinity(target, probe, options),
    judgeClock({ at: probe.hello.now, from: probe.from, until: probe.until }, await dateOf(url)),
    ...judgeFacts(probe.hello),
  ];
  probe.close();
  return lives === undefined ? findings : [...findings, judgeLives(await lives)];
}

/** The address of a probe: it holds a ticket, and the token itself goes nowhere. */
export function probeUrl(given: string, token: string): string {
  const url = new URL(given);
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') throw new TypeError('write ws://… or wss://…');
  if (url.search !== '' || url.hash !== '' || url.username !== '')
    throw new TypeError('write an address without a query or a user name');
  const path = url.pathname.replace(/\/+$/, '') || DEFAULT_PATH;
  return `${url.protocol}//${url.host}${path}/${probeTicket(token, Date.now())}`;
}

async function pings(probe: Probe): Promise<Finding[]> {
  const [mine, theirs] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')];
  probe.ping(mine);
  await probe.askForPing(theirs);
  // The far end's pong is behind this client's, so both have had their chance when the far end
  // answers.
  await probe.report();
  const report = await probe.report();
  return judgePings({ mine, theirs, heard: probe.heard, pongs: probe.pongs, report });
}

/** What a plain answer of the same address is dated; undefined = it is not, or none came. */
async function dateOf(given: string): Promise<Told | undefined> {
  const { protocol, host } = new URL(given);
  const from = Date.now();
  try {
    const response = await fetch(`${protocol === 'wss:' ? 'https' : 'http'}://${host}/`, {
      method: 'HEAD',
      redirect: 'manual',
      signal: AbortSignal.timeout(DATE_MS),
    });
    const at = Date.parse(response.headers.get('date') ?? '');
    return Number.isNaN(at) ? undefined : { at, from, until: Date.now() };
  } catch {
    // Without an answer there is no date, which is said.
    return undefined;
  }
}

async function affinity(target: string, first: Probe, options: ProbeOptions): Promise<Finding> {
  const instances = [first.hello.instance];
  for (let i = 1; i < CONNECTIONS; i++) {
    // As a browser does: with the cookies that the first answer set.
    const next = await openProbe(target, { ...options, cookie: first.cookie });
    if (!('hello' in next)) continue;
    instances.push(next.hello.instance);
    next.close();
  }
  return judgeAffinity(instances, first.hello.facts.store.kind === 'redis');
}
