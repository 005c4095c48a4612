// telemetry: routes OpenTelemetry's own log messages to `report`. That logger is one for the whole process.
import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { diagLogLevelFromString } from '@opentelemetry/core';
import type { Report } from '../delivery/ports.ts';
import type { Env } from './env/otel-env.ts';

interface Route {
  readonly logger: DiagLogger;
  readonly logLevel: DiagLogLevel;
}

/**
 * Routes in use, oldest first. A message does not say which route it belongs to, so the newest gets
 * it.
 */
const routes: Route[] = [];

/**
 * Routes warnings and errors to `report` until the result is called. OTEL_LOG_LEVEL can only make
 * the route quieter (`error`, `none`).
 */
export function routeDiagnostics(report: Report, env: Env): () => void {
  const asked = diagLogLevelFromString(env.OTEL_LOG_LEVEL) ?? DiagLogLevel.WARN;
  const route: Route = { logger: createDiagLogger(report), logLevel: Math.min(DiagLogLevel.WARN, asked) };
  routes.push(route);
  applyNewest();
  return () => {
    const at = routes.indexOf(route);
    if (at >= 0) routes.splice(at, 1);
    applyNewest();
  };
}

function applyNewest(): void {
  const newest = routes.at(-1);
  if (newest === undefined) diag.disable();
  else diag.setLogger(newest.logger, { logLevel: newest.logLevel, suppressOverrideMessage: true });
}

function createDiagLogger(report: Report): DiagLogger {
  const tell = (message: string, ...rest: unknown[]): void =>
    report({ stage: 'telemetry', error: faultOf(message, rest) });
  const quiet = (): void => {};
  return { error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet };
}

/**
 * A message of OpenTelemetry's as an error that reads as a line. Its default error handler spells
 * exceptions as JSON text (`{"stack":…,"message":…,"name":…}`), which would be JSON within the JSON
 * of the log.
 */
function faultOf(message: string, rest: readonly unknown[]): Error {
  const cause = rest.find((each) => each instanceof Error);
  const known = exceptionIn(message);
  if (known !== undefined) return known;
  const words = rest.filter((each) => typeof each === 'string').map((each) => ` ${each}`);
  const text = message + words.join('') + (cause === undefined ? '' : `: ${cause.message}`);
  return cause === undefined ? new Error(text) : new Error(text, { cause });
}

function exceptionIn(text: string): Error | undefined {
  if (!text.startsWith('{')) return undefined;
  let told: { readonly message?: unknown; readonly name?: unknown; readonly stack?: unknown; readonly code?: unknown };
  try {
    told = JSON.parse(text) as typeof told;
  } catch {
    // Silence is right: the text only looked like JSON, and is logged as it is.
    return undefined;
  }
  const { message, name, stack, code } = told;
  const parts = [message, code].filter((part) => typeof part === 'string' && part !== '');
  const error = new Error(parts.length === 0 ? String(name ?? 'a fault without a message') : parts.join(', '));
  if (typeof name === 'string') error.name = name;
  if (typeof stack === 'string') error.stack = stack;
  return error;
}
