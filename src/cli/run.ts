// cli: `ackspan run`: configuration → sidecar → serve until a signal → exit code.
import type { EventEmitter } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { Command } from 'commander';
import type { Logger } from 'pino';
import type { Config } from '../config/config.ts';
import { trackedText } from '../config/document.ts';
import { formatFault } from '../config/fault.ts';
import { otlpEndpoint } from '../config/traps.ts';
import type { Report } from '../delivery/ports.ts';
import { createLog, createReport } from '../log/log.ts';
import { otelFaults } from '../telemetry/otel-faults.ts';
import { patiently, type Wait } from '../time/patience.ts';
import { VERSION } from '../version.ts';
import { FAILED, OK, USAGE } from './exit.ts';
import { listenFault } from './machine.ts';
import type { Options } from './read-config.ts';
import { addConfigOptions, readConfig } from './read-config.ts';

/** What `run` needs of the sidecar. */
export interface Sidecar {
  /** Rejects when the sidecar cannot listen. */
  start(): Promise<{ readonly listen: AddressInfo; readonly admin?: AddressInfo | undefined }>;
  /** Ends within the configured grace. */
  stop(reason: string): Promise<void>;
  /** Reads the configuration again, and says in the log what came of it. */
  reload(): unknown;
}

/** Builds a sidecar that has not started. */
export type CreateSidecar = (deps: {
  config: Config;
  log: Logger;
  report: Report;
  reread(): { config: Config | undefined; faults: string[] };
  setLevel(level: Config['logLevel']): void;
}) => Sidecar;

/** What `serve` needs of the process. */
export type Host = Pick<EventEmitter, 'on' | 'off'> & { exit(code: number): void };

/**
 * Time beyond the grace, ms, after which a stop that hangs is cut short. With the default grace it
 * stays under Cloud Run's 10 s.
 */
const STOP_MARGIN_MS = 1_500;

/**
 * Gives the function that adds options and action; `load` is called once there is a configuration
 * to start with.
 */
export function defineRun(load: () => Promise<CreateSidecar>): (command: Command) => void {
  return (command) => {
    addConfigOptions(command);
    command.action(async (options: Options) => {
      const early = { reload: false };
      // From here to the end of the process none kills it.
      process.on('SIGHUP', () => {
        early.reload = true;
      });
      const { config, faults, warnings } = readConfig(options, process.env);
      if (config === undefined) {
        for (const fault of faults) process.stderr.write(`${formatFault(fault)}\n`);
        process.exitCode = USAGE;
        return;
      }
      const log = createLog(config);
      log.info({ version: VERSION, node: process.version, pid: process.pid }, 'ackspan starts');
      for (const warning of warnings) log.warn(formatFault(warning));
      for (const { variable, message } of otelFaults(process.env)) log.warn({ variable }, `${variable}: ${message}`);
      const report = createReport(log);
      const createSidecar = await load();
      const reread = () => {
        const again = readConfig(options, process.env);
        return { config: again.config, faults: again.faults.map(formatFault) };
      };
      const setLevel = (level: Config['logLevel']) => {
        log.level = level;
      };
      const sidecar = createSidecar({ config, log, report, reread, setLevel });
      const code = await serve({ sidecar, config, log, host: process, env: process.env, early });
      report.tellRest();
      // A handle that a library left open must not keep a stopped process alive.
      process.exit(code);
    });
  };
}

/**
 * Starts, serves until SIGTERM or SIGINT, stops. Returns the exit code. A second signal or a crash
 * exits at once.
 */
export async function serve(deps: {
  sidecar: Sidecar;
  config: Config;
  log: Pick<Logger, 'info' | 'warn' | 'fatal'>;
  host: Host;
  env: Readonly<Record<string, string | undefined>>;
  /** Whether the configuration is to be read again as soon as the sidecar has started. */
  early?: { reload: boolean };
}): Promise<number> {
  const { sidecar, config, log, host, env, early = { reload: false } } = deps;
  let wanted: (signal: string) => void = () => {};
  const asked = new Promise<string>((resolve) => {
    wanted = resolve;
  });
  let signals = 0;
  const onSignal = (signal: string): void => {
    if (++signals === 1) {
      wanted(signal);
      return;
    }
    log.warn({ signal }, 'second signal: exits at once');
    host.exit(FAILED);
  };
  const onCrash = (error: unknown): void => {
    log.fatal(
      { err: error instanceof Error ? error : new Error(String(error)) },
      'a fault of Ackspan’s own: exits at once',
    );
    host.exit(FAILED);
  };
  let started = false;
  const onReload = (): void => {
    if (started) sidecar.reload();
    else early.reload = true;
  };
  const listeners = [
    ['SIGHUP', onReload],
    ['SIGTERM', onSignal],
    ['SIGINT', onSignal],
    ['uncaughtException', onCrash],
    ['unhandledRejection', onCrash],
  ] as const;
  for (const [event, listener] of listeners) host.on(event, listener);
  try {
    const addresses = await sidecar.start();
    log.info(
      {
        listen: url(addresses.listen),
        upstream: config.upstream,
        admin: addresses.admin === undefined ? 'off' : url(addresses.admin),
        tracked: trackedText(config),
        spans: otlpEndpoint(env) ?? 'not exported',
      },
      'listening',
    );
    started = true;
    if (early.reload) sidecar.reload();
    const signal = await asked;
    log.info({ signal, graceMs: config.shutdown.graceMs }, 'stopping');
    const stopped = await inTime(sidecar.stop(signal), config.shutdown.graceMs + STOP_MARGIN_MS);
    if (!stopped) log.fatal('the stop took longer than its grace');
    else log.info('stopped');
    return stopped ? OK : FAILED;
  } catch (error) {
    const taken = listenFault(error);
    if (taken !== undefined) log.fatal(`cannot start: ${taken}`);
    else log.fatal({ err: error }, signals === 0 ? 'cannot start' : 'cannot stop');
    return FAILED;
  } finally {
    for (const [event, listener] of listeners) host.off(event, listener);
  }
}

/**
 * Whether `done` resolves within `ms` of running time (SPEC D14): a pause of the machine does not
 * shorten it.
 */
async function inTime(done: Promise<void>, ms: number): Promise<boolean> {
  let wait: Wait | undefined;
  const late = new Promise<boolean>((resolve) => {
    wait = patiently(ms, () => resolve(false), true);
  });
  try {
    return await Promise.race([done.then(() => true), late]);
  } finally {
    wait?.cancel();
  }
}

function url({ address, port, family }: AddressInfo): string {
  return `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
}
