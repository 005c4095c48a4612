// demo: backend, sidecar and clients in one process tree: start → load → misfortune half-way → rest → settle → verdict.
import type { AddressInfo } from 'node:net';
import { createAdminClient } from '../admin-client/client.ts';
import { wrap } from '../admin-client/wording.ts';
import { formatFault } from '../config/fault.ts';
import { formatDuration } from '../config/units.ts';
import type { Defaults } from '../config/values.ts';
import { createLog, createReport } from '../log/log.ts';
import { createSidecar, type Sidecar } from '../sidecar/sidecar.ts';
import { CAST, membersOf } from './cast.ts';
import { type Child, startChild } from './children.ts';
import { createDisplay, NO_DISPLAY, type Output } from './display.ts';
import { findingsAsJson, readFindings } from './findings.ts';
import { unmatchedOf } from './losses.ts';
import { createReadings, type Open, type Readings } from './readings.ts';
import { type AdminChoice, ATTEMPTS_MS, demoConfig, TARGET, TIMEOUT_MS } from './settings.ts';
import { verdict } from './verdict.ts';

/** The operator's options. */
export interface DemoOptions extends AdminChoice {
  readonly durationMs: number;
  /** Prints one JSON object on `out`, and nothing else. */
  readonly json: boolean;
  /** Keeps the admin server up after the verdict until `interrupted`. */
  readonly keep: boolean;
}

/** The dependencies on the process around the demo. */
export interface Surroundings {
  readonly out: Output;
  /** Logs and complaints. */
  readonly err: { write(text: string): unknown };
  readonly colour: boolean;
  /** Resolves at the first Ctrl-C. The demo then ends early, with its verdict. */
  readonly interrupted: Promise<void>;
  /** The sidecar's defaults where the demo's file says nothing. */
  readonly defaults: Defaults;
}

/**
 * `ok`: all figures agree. `failed`: they do not, or something broke. `usage`: an option is wrong.
 */
export type DemoEnd = 'ok' | 'failed' | 'usage';

/** Time beyond the deadline after which the last delivery must have its outcome, ms. */
const SETTLE_MARGIN_MS = 2_000;
const POLL_MS = 1_000;

/** Runs the whole demo and cleans up whatever happens. Never rejects. */
export async function runDemo(options: DemoOptions, around: Surroundings): Promise<DemoEnd> {
  const cleanUps: (() => Promise<void> | void)[] = [];
  let broke: (reason: string) => void = () => {};
  const broken = new Promise<never>((_, reject) => {
    broke = (reason) => reject(new Error(reason));
  });
  // The race below hears of it while that runs. Afterwards a child may end as it likes.
  broken.catch(() => {});
  try {
    return await Promise.race([broken, play(options, around, broke, cleanUps)]);
  } catch (error) {
    around.err.write(`ackspan demo: ${error instanceof Error ? error.message : String(error)}\n`);
    return 'failed';
  } finally {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  }
}

async function play(
  options: DemoOptions,
  around: Surroundings,
  broke: (reason: string) => void,
  cleanUps: (() => Promise<void> | void)[],
): Promise<DemoEnd> {
  const { out, err } = around;
  const backend = startChild('backend-process', broke);
  cleanUps.push(() => backend.end());
  const { port } = await backend.ask({ order: 'start', target: '' }, 'ready');
  const { config, faults } = demoConfig(port, options, around.defaults);
  if (config === undefined) {
    for (const fault of faults) err.write(`${formatFault(fault)}\n`);
    return 'usage';
  }
  if (config.admin.listen === undefined) {
    err.write('--admin: the demo reads its numbers from the admin server, so it cannot be off\n');
    return 'usage';
  }
  const logged: string[] = [];
  const onScreen = out.isTTY === true && !options.json;
  // A log line in the middle of the table would tear it.
  const log = createLog(config, { write: (line: string) => void (onScreen ? logged.push(line) : err.write(line)) });
  cleanUps.push(() => {
    for (const line of logged) err.write(line);
  });
  const sidecar = createSidecar({ config, log, report: createReport(log) });
  cleanUps.push(() => sidecar.stop('the demo is over'));
  const addresses = await sidecar.start();
  const adminUrl = urlOf('http', addresses.admin!);
  if (!options.json) out.write(`${introduction(options, adminUrl).join('\n')}\n\n`);
  const clients = startChild('clients-process', broke);
  cleanUps.push(() => clients.end());
  await clients.ask({ order: 'start', target: urlOf('ws', addresses.listen) }, 'ready');

  const readings = createReadings(createAdminClient({ base: adminUrl, token: config.admin.token }));
  await act({ options, around, sidecar, clients, backend, readings, adminUrl, cleanUps });
  const findings = await readFindings(readings, TARGET);
  const lines = verdict(findings);
  if (options.json) out.write(`${JSON.stringify(findingsAsJson(findings, lines))}\n`);
  else out.write(`\n${lines.flatMap((line) => wrap(line, onScreen ? (out.columns ?? 80) : undefined)).join('\n')}\n`);
  const interrupted = !(await elapse(0, around.interrupted));
  if (options.keep && !interrupted) {
    err.write(`The admin server stays up at ${adminUrl} until Ctrl-C.\n`);
    await around.interrupted;
  }
  return findings.checks.every(({ ok }) => ok) ? 'ok' : 'failed';
}

interface Scene {
  readonly options: DemoOptions;
  readonly around: Surroundings;
  readonly sidecar: Sidecar;
  readonly clients: Child;
  readonly backend: Child;
  readonly readings: Readings;
  readonly adminUrl: string;
  readonly cleanUps: (() => void)[];
}

/**
 * Runs the load, from the first question until the last delivery has its outcome, with the display.
 */
async function act(scene: Scene): Promise<void> {
  const { options, around, sidecar, clients, backend, readings, adminUrl, cleanUps } = scene;
  const started = performance.now();
  let connections: Open = await readings.connections();
  let unmatched = unmatchedOf(await readings.samples());
  let phase = (): string => {
    const elapsed = Math.min(Math.floor(performance.now() - started), options.durationMs);
    return `${Math.floor(elapsed / 1000)} s of ${formatDuration(options.durationMs)}`;
  };
  const poll = async (): Promise<void> => {
    connections = await readings.connections();
    unmatched = unmatchedOf(await readings.samples());
  };
  // The next poll may succeed. The readings at the end must, so their errors are not forgiven.
  const polls = setInterval(() => void poll().catch(() => {}), POLL_MS);
  const display = options.json ? NO_DISPLAY : createDisplay(around.out, around.colour);
  cleanUps.push(
    () => clearInterval(polls),
    () => display.finish(),
  );
  display.start(() => ({ stats: sidecar.stats(), connections, unmatched, phase: phase(), adminUrl, target: TARGET }));

  const half = options.durationMs / 2;
  if (await elapse(half, around.interrupted)) {
    clients.tell({ order: 'misfortune' });
    await elapse(half, around.interrupted);
  }
  phase = () => 'load stopped, waiting for the last outcomes';
  await clients.ask({ order: 'rest' }, 'resting');
  await backend.ask({ order: 'rest' }, 'resting');
  const end = performance.now() + TIMEOUT_MS + SETTLE_MARGIN_MS;
  while (sidecar.stats().pending > 0 && performance.now() < end) await elapse(50);
  clearInterval(polls);
  await poll();
  phase = () => 'finished';
  display.finish();
}

/** Waits `ms`, or until `sooner`. Returns whether the time has passed in full. */
async function elapse(ms: number, sooner?: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const passed = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(true), ms);
  });
  if (sooner === undefined) return passed;
  const full = await Promise.race([passed, sooner.then(() => false)]);
  clearTimeout(timer);
  return full;
}

function introduction({ durationMs }: DemoOptions, adminUrl: string): string[] {
  const clients = membersOf(CAST).length;
  const gaps = ATTEMPTS_MS.map(formatDuration).join(', ');
  return [
    `An agent backend, the sidecar in front of it, and ${clients} clients, for ${formatDuration(durationMs)}:`,
    ...CAST.map(({ name, count, does }) => `  ${String(count).padStart(2)} ${name.padEnd(11)} ${does}`),
    `Deadlines are short, so that there is something to see: ${formatDuration(TIMEOUT_MS)} instead of 30s,`,
    `attempts ${gaps} apart instead of 1s, 2s, 4s.`,
    `Look inside while it runs: ${adminUrl}/ in a browser,`,
    `or ${adminUrl}/metrics and ${adminUrl}/api/v1/deliveries?status=timeout`,
  ];
}

/**
 * An address for use on this machine: a server that listens everywhere is reached over loopback.
 */
function urlOf(scheme: string, { address, family, port }: AddressInfo): string {
  if (address === '0.0.0.0' || address === '::') return `${scheme}://127.0.0.1:${port}`;
  return `${scheme}://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
