// Platform traps: each is named where it bites and nowhere else.
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import type { Config } from '../../src/config/config.ts';
import { loadConfig } from '../../src/config/load.ts';
import { otlpEndpoint, platformTraps } from '../../src/config/traps.ts';

const TOKEN = 'abcdefghijklmnop';
const OTLP = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
const RUN = { ...OTLP, K_SERVICE: 'app', PORT: '8080' };

function config(env: Record<string, string> = {}): Config {
  return loadConfig({ env: { ACKSPAN_UPSTREAM: 'https://app', ...env }, defaults: DEFAULTS }).config!;
}

describe.each<[string, RegExp, Config, Record<string, string>, Config, Record<string, string>]>([
  ['Cloud Run time-out', /--timeout=3600/, config(), RUN, config(), OTLP],
  ['Cloud Run affinity', /--session-affinity/, config(), RUN, config(), OTLP],
  ['Cloud Run CPU', /--no-cpu-throttling/, config(), RUN, config(), OTLP],
  ['Cloud Run grace', /kills an instance 10 s/, config({ ACKSPAN_SHUTDOWN_GRACE: '10s' }), RUN, config(), RUN],
  [
    'Cloud Run admin',
    /admin\.mount/,
    config(),
    RUN,
    config({ ACKSPAN_ADMIN_MOUNT: '/.ackspan', ACKSPAN_ADMIN_TOKEN: TOKEN }),
    RUN,
  ],
  ['Cloud Run port', /ACKSPAN_LISTEN=0\.0\.0\.0:9000/, config(), { ...RUN, PORT: '9000' }, config(), RUN],
  ['Cloud Run loopback', /loopback address/, config({ ACKSPAN_LISTEN: '127.0.0.1:8080' }), RUN, config(), RUN],
  [
    'Kubernetes probes',
    /Kubernetes probes/,
    config(),
    { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
    config({ ACKSPAN_ADMIN_LISTEN: ':9464', ACKSPAN_ADMIN_TOKEN: TOKEN }),
    { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
  ],
  [
    'Kubernetes grace',
    /terminationGracePeriodSeconds/,
    config({ ACKSPAN_SHUTDOWN_GRACE: '30s' }),
    { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
    config(),
    { KUBERNETES_SERVICE_HOST: '10.0.0.1' },
  ],
  [
    'load balancers',
    /30 s on Google Cloud/,
    config(),
    { ...OTLP, KUBERNETES_SERVICE_HOST: '10.0.0.1' },
    config(),
    OTLP,
  ],
  [
    'the addresses of load balancers',
    /trusted_proxies is empty/,
    config(),
    { ...OTLP, KUBERNETES_SERVICE_HOST: '10.0.0.1' },
    config(),
    OTLP,
  ],
  ['no collector', /keep_confirmed has no effect/, config({ ACKSPAN_TRACING_KEEP_CONFIRMED: '1%' }), {}, config(), {}],
  ['no collector at all', /spans go nowhere/, config(), {}, config(), OTLP],
  ['no collector needed', /spans go nowhere/, config(), {}, config(), { OTEL_TRACES_EXPORTER: 'console' }],
  ['SDK off', /no spans are made/, config(), { OTEL_SDK_DISABLED: 'true' }, config(), OTLP],
  ['no admin', /no health checks/, config({ ACKSPAN_ADMIN_LISTEN: 'off' }), OTLP, config(), OTLP],
  [
    'handshakes that the SDK gives up',
    /gives a handshake up/,
    config({ ACKSPAN_LIMITS_SILENCE: '10s', ACKSPAN_LIMITS_HANDSHAKE: '16s' }),
    OTLP,
    config({ ACKSPAN_LIMITS_SILENCE: '10s', ACKSPAN_LIMITS_HANDSHAKE: '15s' }),
    OTLP,
  ],
  [
    'handshakes that the SDK waits for',
    /gives a handshake up/,
    config({ ACKSPAN_LIMITS_SILENCE: '1s' }),
    OTLP,
    config({ ACKSPAN_LIMITS_SILENCE: '0ms', ACKSPAN_LIMITS_HANDSHAKE: '10m' }),
    OTLP,
  ],
  ['insecure TLS', /can read and change/, config({ ACKSPAN_UPSTREAM_TLS_INSECURE: 'true' }), OTLP, config(), OTLP],
])('%s', (_name, trap, bites, env, fine, calmEnv) => {
  it('is named where it bites', () => {
    expect(platformTraps(bites, env).filter((text) => trap.test(text))).toHaveLength(1);
  });
  it('and not where it does not', () => {
    expect(platformTraps(fine, calmEnv).filter((text) => trap.test(text))).toEqual([]);
  });
});

describe('otlpEndpoint', () => {
  it.each([
    [{}, undefined],
    [OTLP, 'http://127.0.0.1:4318'],
    [{ ...OTLP, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://here' }, 'http://here'],
    [{ ...OTLP, OTEL_TRACES_EXPORTER: 'none' }, undefined],
    [{ ...OTLP, OTEL_TRACES_EXPORTER: 'console' }, undefined],
    [{ ...OTLP, OTEL_SDK_DISABLED: 'TRUE' }, undefined],
    [{ OTEL_TRACES_EXPORTER: 'console, otlp' }, 'http://localhost:4318'],
  ])('%j → %s', (env, endpoint) => {
    expect(otlpEndpoint(env)).toBe(endpoint);
  });
});
