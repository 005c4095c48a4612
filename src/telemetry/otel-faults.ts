// telemetry: faults of the OTEL_* variables, one sentence each, for `run` and `check`. Needs no OpenTelemetry package.
import { readFileSync } from 'node:fs';
import { validateHeaderName, validateHeaderValue } from 'node:http';
import {
  batchLimits,
  type Complain,
  type Env,
  isDisabled,
  metricIntervals,
  readPositive,
  readText,
  shown,
  signalExport,
} from './env/otel-env.ts';
import { parseResourceAttributes } from './env/resource-attributes.ts';
import { spanLimits } from './spans/span-limits.ts';

/**
 * One fault. `message` says what is used instead. A value that may hold credentials is never
 * repeated.
 */
export interface OtelFault {
  readonly variable: string;
  readonly message: string;
}

/** Every fault of the environment, in the order of OpenTelemetry's documentation. */
export function otelFaults(env: Env): OtelFault[] {
  const faults: OtelFault[] = [];
  const seen = new Set<string>();
  const complain: Complain = (variable, message) => {
    // A variable of all three signals is read three times.
    if (seen.has(variable + message)) return;
    seen.add(variable + message);
    faults.push({ variable, message });
  };
  for (const check of CHECKS) check(env, complain);
  return faults;
}

const SIGNALS = ['traces', 'metrics', 'logs'] as const;
/** The middle of OTEL_EXPORTER_OTLP_…: nothing, or a signal. */
const INFIXES = ['', 'TRACES_', 'METRICS_', 'LOGS_'] as const;

const CHECKS: readonly ((env: Env, complain: Complain) => void)[] = [
  switches,
  identity,
  (env, complain) => {
    for (const signal of SIGNALS) signalExport(env, signal, complain);
  },
  endpoints,
  headers,
  transport,
  certificates,
  (env, complain) => void batchLimits(env, 'OTEL_BSP', complain),
  (env, complain) => void batchLimits(env, 'OTEL_BLRP', complain),
  (env, complain) => void metricIntervals(env, complain),
  (env, complain) => void spanLimits(env, complain),
  unused,
  misspelt,
];

function switches(env: Env, complain: Complain): void {
  const disabled = readText(env, 'OTEL_SDK_DISABLED');
  if (disabled !== undefined && !/^(true|false)$/i.test(disabled)) {
    complain('OTEL_SDK_DISABLED', `${shown(disabled)} is neither true nor false; false is used instead`);
  }
  const level = readText(env, 'OTEL_LOG_LEVEL');
  if (level !== undefined && !/^(none|error|warn|info|debug|verbose|all)$/i.test(level)) {
    const levels = 'none, error, warn, info, debug, verbose, all';
    complain('OTEL_LOG_LEVEL', `${shown(level)} is not one of ${levels}; warn is used instead`);
  }
}

function identity(env: Env, complain: Complain): void {
  const { OTEL_SERVICE_NAME: name } = env;
  if (name !== undefined && name !== '' && name.trim() === '') {
    complain('OTEL_SERVICE_NAME', 'it is blank; service_name is used instead');
  }
  parseResourceAttributes(env.OTEL_RESOURCE_ATTRIBUTES, complain);
}

function endpoints(env: Env, complain: Complain): void {
  const general = readText(env, 'OTEL_EXPORTER_OTLP_ENDPOINT');
  for (const infix of INFIXES) {
    const variable = `OTEL_EXPORTER_OTLP_${infix}ENDPOINT`;
    const text = readText(env, variable);
    if (text === undefined) continue;
    if (!URL.canParse(text)) {
      const other = infix !== '' && general !== undefined && URL.canParse(general);
      const instead = other ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : 'http://localhost:4318';
      complain(variable, `it is not an address such as http://collector:4318; ${instead} is used instead`);
    } else if (!/^https?:$/.test(new URL(text).protocol)) {
      complain(variable, 'it is no http:// or https:// address; nothing that is sent there arrives');
    }
  }
}

/**
 * Checks `name=value,…` as OpenTelemetry's package reads it: wrong parts are left out. A part is
 * named by its place, because values are credentials.
 */
function headers(env: Env, complain: Complain): void {
  for (const infix of INFIXES) {
    const variable = `OTEL_EXPORTER_OTLP_${infix}HEADERS`;
    for (const [index, part] of (readText(env, variable) ?? '').split(',').entries()) {
      const fault = part.trim() === '' ? undefined : headerFault(part);
      if (fault !== undefined) complain(variable, `entry ${index + 1} ${fault}`);
    }
  }
}

function headerFault(part: string): string | undefined {
  const [pair = '', ...cut] = part.split(';');
  const at = pair.indexOf('=');
  const [name, value] = [pair.slice(0, Math.max(0, at)).trim(), pair.slice(at + 1).trim()];
  if (name === '' || value === '') return 'is not name=value (a comma inside a value is written %2C); it is not sent';
  let decoded: [string, string];
  try {
    decoded = [decodeURIComponent(name), decodeURIComponent(value)];
  } catch {
    return 'has a broken %-encoding (a percent sign is written %25); it is not sent';
  }
  try {
    validateHeaderName(decoded[0]);
    validateHeaderValue(...decoded);
  } catch {
    return 'has characters that no HTTP header may have; every export fails';
  }
  return cut.length > 0 ? 'has a semicolon, which is written %3B; what follows it is not sent' : undefined;
}

function transport(env: Env, complain: Complain): void {
  for (const infix of INFIXES) {
    readPositive(env, `OTEL_EXPORTER_OTLP_${infix}TIMEOUT`, 10_000, complain);
    const variable = `OTEL_EXPORTER_OTLP_${infix}COMPRESSION`;
    const compression = readText(env, variable);
    if (compression === undefined || compression === 'gzip' || compression === 'none') continue;
    complain(variable, `${shown(compression)} is not supported (choose from gzip, none); none is used instead`);
  }
}

function certificates(env: Env, complain: Complain): void {
  const defaults = { CERTIFICATE: 'Node’s own authorities are used', CLIENT_CERTIFICATE: '', CLIENT_KEY: '' };
  for (const infix of INFIXES) {
    for (const [name, instead] of Object.entries(defaults)) {
      const variable = `OTEL_EXPORTER_OTLP_${infix}${name}`;
      const path = readText(env, variable);
      if (path === undefined) continue;
      try {
        readFileSync(path);
      } catch (error) {
        const reason = (error as NodeJS.ErrnoException).code;
        complain(
          variable,
          `${shown(path)} cannot be read (${reason}); ${instead || 'no client certificate is shown'} instead`,
        );
      }
    }
  }
}

/**
 * Variables of the specification that have no effect here. Values that ask for what happens anyway
 * are excepted.
 */
const UNUSED: Readonly<Record<string, { readonly fine?: RegExp; readonly instead: string }>> = {
  OTEL_TRACES_SAMPLER: { instead: 'tracing.keep_confirmed and tracing.slow decide instead, by outcome' },
  OTEL_TRACES_SAMPLER_ARG: { instead: 'tracing.keep_confirmed and tracing.slow decide instead, by outcome' },
  OTEL_PROPAGATORS: { fine: /(^|,)\s*tracecontext\s*(,|$)/, instead: 'traceparent (W3C) is read instead' },
  OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: { fine: /^cumulative$/i, instead: 'cumulative is used instead' },
  OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION: {
    fine: /^explicit_bucket_histogram$/i,
    instead: 'explicit_bucket_histogram is used instead',
  },
  OTEL_EXPORTER_OTLP_INSECURE: { instead: 'the scheme of the endpoint decides instead' },
  OTEL_EXPORTER_PROMETHEUS_HOST: { instead: '/metrics is served on admin.listen instead' },
  OTEL_EXPORTER_PROMETHEUS_PORT: { instead: '/metrics is served on admin.listen instead' },
  OTEL_CONFIG_FILE: { instead: 'the other OTEL_* variables are used instead' },
  OTEL_EXPERIMENTAL_CONFIG_FILE: { instead: 'the other OTEL_* variables are used instead' },
};

function unused(env: Env, complain: Complain): void {
  if (isDisabled(env)) return;
  for (const [variable, { fine, instead }] of Object.entries(UNUSED)) {
    const value = readText(env, variable);
    if (value !== undefined && fine?.test(value) !== true) complain(variable, `it has no effect here; ${instead}`);
  }
}

/**
 * Suffixes that may follow OTEL_EXPORTER_OTLP_ and a signal. Other members of these families are
 * slips of the pen.
 */
const OTLP = ['ENDPOINT', 'HEADERS', 'TIMEOUT', 'PROTOCOL', 'COMPRESSION', 'INSECURE'];
const TLS = ['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY'];
const BATCH = ['MAX_QUEUE_SIZE', 'MAX_EXPORT_BATCH_SIZE', 'SCHEDULE_DELAY', 'EXPORT_TIMEOUT'];
const KNOWN: ReadonlySet<string> = new Set([
  ...INFIXES.flatMap((infix) => [...OTLP, ...TLS].map((name) => `OTEL_EXPORTER_OTLP_${infix}${name}`)),
  ...['OTEL_BSP_', 'OTEL_BLRP_'].flatMap((prefix) => BATCH.map((name) => prefix + name)),
  'OTEL_METRIC_EXPORT_INTERVAL',
  'OTEL_METRIC_EXPORT_TIMEOUT',
  ...Object.keys(UNUSED),
]);

function misspelt(env: Env, complain: Complain): void {
  for (const variable of Object.keys(env)) {
    if (!/^OTEL_(EXPORTER_OTLP|BSP|BLRP|METRIC_EXPORT)_/.test(variable) || KNOWN.has(variable)) continue;
    if (readText(env, variable) !== undefined)
      complain(variable, 'OpenTelemetry knows no such variable; it has no effect');
  }
}
