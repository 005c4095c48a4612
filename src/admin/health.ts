// admin: GET /health, /healthz…, /readyz: for platforms and load balancers, which carry no token.
import type { AdminDeps } from './ports.ts';
import { json } from './reply.ts';
import type { Ask, Reply, Route } from './route.ts';

function open(path: string, answer: (ask: Ask) => Reply): Route {
  return { path, open: true, answer };
}

/**
 * Seconds since the epoch with a fraction, as the predecessor's `time.time()`: its monitors do
 * arithmetic with it.
 */
function pythonTime(deps: AdminDeps): number {
  return Math.round(deps.wallOf(deps.now()) * 1000) / 1e6;
}

/**
 * Every health resource. Live means that the event loop answers. Ready is the sidecar's own report.
 * Reasons are for callers with a token. Queries are ignored, because probers add their own.
 */
export function healthRoutes(deps: AdminDeps): readonly Route[] {
  const live = (): Reply => json(200, { status: 'ok' });
  const ready = ({ trusted }: Ask): Reply => {
    const health = deps.health();
    const { reasons, degraded = [], upstream } = health;
    const body = {
      ready: health.ready,
      ...(degraded.length > 0 && { status: 'degraded' }),
      reasons: trusted ? [...reasons, ...degraded] : [],
      ...(trusted && upstream !== undefined && { upstream }),
    };
    return json(health.ready ? 200 : 503, body);
  };
  const health = (): Reply => {
    const { ready } = deps.health();
    return json(ready ? 200 : 503, {
      status: ready ? 'healthy' : 'unhealthy',
      service: deps.info.service,
      version: deps.info.version,
      timestamp: pythonTime(deps),
    });
  };
  return [
    open('/health', health),
    open('/healthz', live),
    open('/healthz/live', live),
    open('/healthz/startup', live),
    open('/readyz', ready),
    open('/healthz/ready', ready),
  ];
}
