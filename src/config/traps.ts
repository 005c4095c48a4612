// config: traps of the platform for a valid configuration: reported by `ackspan check`, never a fault.
import type { Config } from './config.ts';
import { isLoopback } from './consistency.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Where spans are sent over OTLP (OpenTelemetry's variables, the one for traces first); undefined =
 * nowhere.
 */
export function otlpEndpoint(env: Env): string | undefined {
  if (isDisabled(env)) return undefined;
  const given = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT || undefined;
  const exporters = tracesExporters(env);
  if (exporters === undefined) return given;
  if (!exporters.includes('otlp') || exporters.includes('none')) return undefined;
  return given ?? 'http://localhost:4318';
}

function isDisabled(env: Env): boolean {
  return env.OTEL_SDK_DISABLED?.toLowerCase() === 'true';
}

/** The named exporters; undefined = not set: OTLP where there is an endpoint. */
function tracesExporters(env: Env): string[] | undefined {
  return env.OTEL_TRACES_EXPORTER ? env.OTEL_TRACES_EXPORTER.split(',').map((name) => name.trim()) : undefined;
}

/** One sentence or two per trap: what happens, and what to do about it. */
export function platformTraps(config: Config, env: Env): string[] {
  const platform = env.K_SERVICE
    ? cloudRun(config, env)
    : env.KUBERNETES_SERVICE_HOST
      ? [...kubernetes(config), ...loadBalancer()]
      : [];
  const fronted = env.K_SERVICE || env.KUBERNETES_SERVICE_HOST ? proxies(config) : [];
  return [...platform, ...telemetry(config, env), ...general(config), ...fronted];
}

function cloudRun(config: Config, env: Env): string[] {
  const traps = [
    'Cloud Run ends every WebSocket after the request time-out, 300 s by default: set --timeout=3600 and let clients reconnect.',
    'Cloud Run sends a reconnecting client to any instance: set --session-affinity.',
    'Cloud Run slows the CPU down while no request is open, so the last spans and metrics leave late: set --no-cpu-throttling.',
  ];
  if (config.shutdown.graceMs >= 10_000) {
    traps.push(
      'Cloud Run kills an instance 10 s after SIGTERM: set shutdown.grace below 10s, or outcomes and spans are lost.',
    );
  }
  if (config.admin.mount === undefined) {
    traps.push(
      'Cloud Run publishes one port: set admin.mount (and admin.token), or health and metrics cannot be reached from outside.',
    );
  }
  if (env.PORT !== undefined && env.PORT !== String(config.listen.port)) {
    traps.push(
      `Cloud Run sends requests to port ${env.PORT}, but listen is ${config.listen.port}: set ACKSPAN_LISTEN=0.0.0.0:${env.PORT}.`,
    );
  }
  if (isLoopback(config.listen.host)) traps.push('Cloud Run cannot reach a loopback address: set listen to 0.0.0.0.');
  return traps;
}

function kubernetes(config: Config): string[] {
  const traps: string[] = [];
  if (config.admin.listen !== undefined && isLoopback(config.admin.listen.host) && config.admin.mount === undefined) {
    traps.push(
      'Kubernetes probes and Prometheus cannot reach admin.listen on loopback: set it to 0.0.0.0:9464, with admin.token.',
    );
  }
  if (config.shutdown.graceMs >= 30_000) {
    traps.push(
      'Kubernetes kills a pod 30 s after SIGTERM by default: raise terminationGracePeriodSeconds above shutdown.grace.',
    );
  }
  return traps;
}

function loadBalancer(): string[] {
  return [
    'Load balancers cut WebSockets by a time-out of their own, 30 s on Google Cloud and 60 s idle on AWS and nginx: raise it to the longest session.',
  ];
}

function telemetry(config: Config, env: Env): string[] {
  if (isDisabled(env)) return ['OTEL_SDK_DISABLED=true: no spans are made; /metrics is all there is.'];
  const traps: string[] = [];
  const endpoint = otlpEndpoint(env);
  const exporters = tracesExporters(env);
  if (endpoint === undefined && exporters === undefined) {
    const moot = config.tracing.keepConfirmed < 1 ? ', and tracing.keep_confirmed has no effect' : '';
    traps.push(`No OTEL_EXPORTER_OTLP_ENDPOINT: spans go nowhere${moot}; /metrics is all there is.`);
  }
  return traps;
}

function proxies(config: Config): string[] {
  if (config.trustedProxies.length > 0) return [];
  return [
    'trusted_proxies is empty: the backend is told the address of whatever connects to Ackspan, and http. If that is a load balancer, name its addresses.',
  ];
}

function general(config: Config): string[] {
  const traps: string[] = [];
  if (config.admin.listen === undefined && config.admin.mount === undefined) {
    traps.push('admin.listen is off and there is no admin.mount: no health checks and no /metrics.');
  }
  const { silenceMs, handshakeMs } = config.limits;
  if (silenceMs > 0 && silenceMs * 1.5 < handshakeMs) {
    traps.push(
      'limits.handshake is above one and a half times limits.silence: an SDK that reconnects gives a handshake up after that, though the upstream may take longer. Raise limits.silence.',
    );
  }
  if (config.upstreamTls.insecure && config.upstream.startsWith('https:')) {
    traps.push('upstream_tls.insecure: anyone between Ackspan and the upstream can read and change the traffic.');
  }
  return traps;
}
