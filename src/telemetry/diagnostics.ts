// Sends what OpenTelemetry says about itself to `report` instead of the console. Its logger is one for the whole process.
import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';
import { diagLogLevelFromString } from '@opentelemetry/core';
import type { Report } from './drops.ts';
import type { Env } from './otel-env.ts';

interface Route {
  readonly logger: DiagLogger;
  readonly logLevel: DiagLogLevel;
}

/** Routes in use, oldest first. A message does not say whose it is, so the newest gets it. */
const routes: Route[] = [];

/** Routes warnings and errors to `report` until the result is called; OTEL_LOG_LEVEL can only make it quieter (`error`, `none`). */
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
  const tell = (message: string, ...rest: unknown[]): void => {
    const cause = rest.find((each) => each instanceof Error);
    report({ stage: 'telemetry', error: cause === undefined ? new Error(message) : new Error(message, { cause }) });
  };
  const quiet = (): void => {};
  return { error: tell, warn: tell, info: quiet, debug: quiet, verbose: quiet };
}
