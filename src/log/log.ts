// log: one JSON object a line on stdout, levels by name, without credentials in any field.
import type { DestinationStream, Logger } from 'pino';
import pino from 'pino';
import type { Config } from '../config/config.ts';
import type { Fault, Report } from '../delivery/ports.ts';
import { logFormat } from './log-format.ts';
import { createLogStream } from './log-stream.ts';
import { redactFields, redactText, visibleJson } from './redact.ts';

/**
 * A logger on stdout, or on `destination`. It writes synchronously, because the last lines of a
 * dying process matter most. A line about one delivery has `trace_id` and `span_id`. `env` decides
 * whether these, level and message are spelled for Cloud Run.
 */
export function createLog(
  config: Pick<Config, 'logLevel' | 'serviceName'>,
  destination?: DestinationStream,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Logger {
  const format = logFormat(env);
  const options: pino.LoggerOptions = {
    level: config.logLevel,
    messageKey: format.messageKey,
    base: { service: config.serviceName },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: format.level,
      log: (fields) => format.fields(redactFields(fields) as Record<string, unknown>),
    },
    // Errors are plain fields by now; pino's own serializer would take them for errors of type
    // Object.
    serializers: { err: (fields: unknown) => fields },
    hooks: { streamWrite: (line) => visibleJson(redactText(line)) },
  };
  if (destination !== undefined) return pino(options, destination);
  const stdout = createLogStream();
  const log = pino(options, stdout);
  stdout.onRecovered = (lost) => log.warn({ lost }, `${lost} log lines were lost: nobody read stdout for a while`);
  return log;
}

const WINDOW_MS = 10_000;
const LINES_PER_WINDOW = 5;

/** A `Report` that is rate-limited, and logs the number of lines left out. */
export interface Reporter extends Report {
  /** Logs the number of lines left out so far. Call it before the process ends. */
  tellRest(): void;
}

/**
 * A `Report` that writes at most 5 lines per stage in 10 s, and then logs how many it left out, so
 * that one broken peer cannot fill a disk. `now` is ms on a clock that never steps back.
 */
export function createReport(log: Pick<Logger, 'error'>, now: () => number = () => performance.now()): Reporter {
  const stages = new Map<
    string,
    { since: number; lines: number; suppressed: number; end: NodeJS.Timeout | undefined }
  >();

  function close(stage: string): void {
    const window = stages.get(stage);
    if (window === undefined) return;
    clearTimeout(window.end);
    stages.delete(stage);
    if (window.suppressed > 0) {
      log.error(
        { stage, suppressed: window.suppressed },
        `${window.suppressed} more faults in ${stage} were not logged`,
      );
    }
  }

  function report({ stage, error }: Fault): void {
    const at = now();
    if (at - (stages.get(stage)?.since ?? at) >= WINDOW_MS) close(stage);
    let window = stages.get(stage);
    if (window === undefined) {
      window = { since: at, lines: 0, suppressed: 0, end: undefined };
      stages.set(stage, window);
    }
    if (window.lines >= LINES_PER_WINDOW) {
      window.suppressed++;
      window.end ??= setTimeout(close, Math.max(0, window.since + WINDOW_MS - at), stage).unref();
      return;
    }
    window.lines++;
    const err = error instanceof Error ? error : new Error(String(error));
    log.error({ stage, err }, `fault in ${stage}: ${err.message}`);
  }

  return Object.assign(report, {
    tellRest() {
      for (const stage of [...stages.keys()]) close(stage);
    },
  });
}
