// Loading a configuration: every fault at once with its place, precedence, variables, and nothing secret in a message.
// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references to variables look like templates.
import { readdirSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import type { Config } from '../../src/config/config.ts';
import { formatFault } from '../../src/config/fault.ts';
import type { Loaded, LoadInput } from '../../src/config/load.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { Row } from '../../src/config/row.ts';
import { envName } from '../../src/config/row.ts';
import type { Resolved } from '../../src/config/schema.ts';
import { TABLE } from '../../src/config/schema.ts';
import { propertyOptions } from '../support/seed.ts';

const FIXTURES = new URL('../fixtures/config/', import.meta.url);
const WHSEC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const UPSTREAM = { ACKSPAN_UPSTREAM: 'http://127.0.0.1:8000' };

function load(input: Partial<Omit<LoadInput, 'file'>> & { yaml?: string; name?: string }): Loaded {
  const { yaml, name = 'a.yaml', ...rest } = input;
  const file = yaml === undefined ? undefined : { name, text: yaml };
  return loadConfig({ env: {}, defaults: DEFAULTS, ...rest, file });
}

function faultsOf(loaded: Loaded): string[] {
  return loaded.faults.map(formatFault);
}

function configOf(loaded: Loaded): Config {
  expect(faultsOf(loaded)).toEqual([]);
  return loaded.config!;
}

function at(config: Config, row: Row): unknown {
  return row.to.split('.').reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], config);
}

describe('one fault, one exact message', () => {
  for (const name of readdirSync(new URL('one-fault/', FIXTURES))) {
    it(name, () => {
      const yaml = readFileSync(new URL(`one-fault/${name}`, FIXTURES), 'utf8');
      const expected = /^# expect: (.*)$/m.exec(yaml)![1];
      const loaded = load({ yaml, name });
      expect(faultsOf(loaded)).toEqual([expected]);
      expect(loaded.config).toBeUndefined();
    });
  }
});

describe('every fault at once', () => {
  it('names all of them, in the order of the file, then variables and flags', () => {
    const loaded = load({
      yaml: readFileSync(new URL('many-faults.yaml', FIXTURES), 'utf8'),
      env: { ACKSPAN_LIMITS_CONNECTIONS: '-1', ACKSPAN_EVENTS_RULES: '[{match: x, priority: zz}' },
      flags: { 'log-level': 'loud' },
    });
    expect(faultsOf(loaded).map((line) => line.split(': ').slice(0, 2).join(' '))).toEqual([
      'a.yaml:1:9 listen',
      'a.yaml:2:11 upstream',
      'a.yaml:3:41 admin.token',
      'a.yaml:5:12 limits.pending',
      'a.yaml:6:3 limits.histroy',
      'a.yaml:7:1 pending_per_user',
      'a.yaml:8:28 tracing.keep_confirmed',
      'a.yaml:10:12 events.id[1]',
      'a.yaml:10:15 events.id[2]',
      'a.yaml:12:20 events.rules[0].match[1]',
      'a.yaml:12:25 events.rules[0].priorty',
      'a.yaml:12:50 events.rules[0].priority',
      'a.yaml:12:63 events.rules[0].timeout',
      'a.yaml:13:7 events.rules[1].match',
      'a.yaml:13:37 events.rules[1].attempts[1]',
      'a.yaml:14:7 events.rules[2]',
      'a.yaml:15:16 confirmations',
      'ACKSPAN_EVENTS_RULES events.rules',
      'ACKSPAN_LIMITS_CONNECTIONS limits.connections',
      '--log-level log_level',
    ]);
  });

  it('also judges a value that a stronger source hides', () => {
    const loaded = load({ env: UPSTREAM, yaml: 'log_level: loud\n', flags: { 'log-level': 'info' } });
    expect(faultsOf(loaded)).toHaveLength(1);
  });
});

describe('precedence', () => {
  const flagged = (TABLE as readonly Row[]).filter((row) => row.flag !== undefined);
  const values: Record<string, readonly [string, string, string, unknown, unknown, unknown]> = {
    upstream: ['http://a:1', 'http://b:1', 'http://c:1', 'http://a:1', 'http://b:1', 'http://c:1'],
    listen: ['a:1', 'b:1', 'c:1', { host: 'a', port: 1 }, { host: 'b', port: 1 }, { host: 'c', port: 1 }],
    'admin.listen': [
      '[::1]:1',
      'off',
      'localhost:1',
      { host: '::1', port: 1 },
      undefined,
      { host: 'localhost', port: 1 },
    ],
    'tracing.keep_confirmed': ['1%', '0.5', '0', 0.01, 0.5, 0],
    log_level: ['warn', 'error', 'debug', 'warn', 'error', 'debug'],
    'store.at': [
      ...(['file:/a', 'file:///b', 'file:/c/../d'] as const),
      ...['/a', '/b', '/d'].map((directory) => ({ kind: 'file', directory })),
    ] as unknown as readonly [string, string, string, unknown, unknown, unknown],
  };
  it.each(flagged.map((row) => [row.key, row] as const))('%s: flag > variable > file > default', (_key, row) => {
    const [flag, env, file, asFlag, asEnv, asFile] = values[row.key]!;
    const [group, leaf] = row.key.split('.');
    const yaml = leaf === undefined ? `${group}: "${file}"` : `${group}: { ${leaf}: "${file}" }`;
    const base = row.key === 'upstream' ? {} : UPSTREAM;
    const withEnv = { ...base, [envName(row.key)]: env };
    expect(at(configOf(load({ env: withEnv, yaml, flags: { [row.flag!]: flag } })), row)).toEqual(asFlag);
    expect(at(configOf(load({ env: withEnv, yaml })), row)).toEqual(asEnv);
    expect(at(configOf(load({ env: base, yaml })), row)).toEqual(asFile);
    expect(at(configOf(load({ env: { ...base, [envName(row.key)]: '' }, yaml })), row)).toEqual(asFile);
  });

  it('OTEL_SERVICE_NAME names the service unless ACKSPAN_SERVICE_NAME does', () => {
    const env = { ...UPSTREAM, OTEL_SERVICE_NAME: 'otel' };
    expect(configOf(load({ env, yaml: 'service_name: file' })).serviceName).toBe('otel');
    expect(configOf(load({ env: { ...env, ACKSPAN_SERVICE_NAME: 'own' } })).serviceName).toBe('own');
  });
});

describe('a variable for every key', () => {
  const CA = new URL('../fixtures/config/ca.pem', import.meta.url).pathname;
  const rule = {
    match: ['a_*', 'b'],
    track: true,
    priority: 'high',
    confirm: 'processed',
    timeoutMs: 5000,
    attemptsMs: [500],
    resend: true,
  };
  const samples: Record<string, readonly [string, unknown]> = {
    upstream: ['unix:/run/app.sock', 'unix:/run/app.sock'],
    listen: [':8081', { host: '0.0.0.0', port: 8081 }],
    'upstream_tls.insecure': ['true', true],
    'readiness.upstream': ['true', true],
    'upstream_tls.ca': [CA, { path: CA, pem: readFileSync(CA, 'utf8') }],
    'admin.listen': ['[::1]:0', { host: '::1', port: 0 }],
    'admin.token': ['abcdefghijklmnop', 'abcdefghijklmnop'],
    'admin.mount': ['/.ackspan', '/.ackspan'],
    'check.path': ['/.ackspan-check', '/.ackspan-check'],
    'events.rules': [
      '[{match: [a_*, b], priority: high, confirm: processed, timeout: 5s, attempts: [500ms], resend: true}]',
      [rule],
    ],
    'events.max_types': ['10', 10],
    'events.scan_bytes': ['1KiB', 1024],
    confirmations: ['[{"type":"ok","id":"/x"}]', [{ type: 'ok', id: '/x', status: '/status', error: '/error' }]],
    'identity.user': [
      'jwt:sub, event',
      [
        { from: 'jwt', name: 'sub' },
        { from: 'event', name: '' },
      ],
    ],
    'identity.trust': ['upstream', 'upstream'],
    trusted_proxies: ['10.0.0.0/8, ::1', ['10.0.0.0/8', '::1']],
    'identity.jwt_from': ['query', ['query']],
    'identity.jwt_key': ['A secret of 32 characters, or more', 'A secret of 32 characters, or more'],
    'identity.jwks_url': ['https://id.example/jwks', 'https://id.example/jwks'],
    'identity.jwt_issuer': ['https://id.example', 'https://id.example'],
    'identity.jwt_audience': ['chat', 'chat'],
    'identity.timeout': ['1s', 1000],
    'tools.orphan_after': ['5m', 300_000],
    'tools.limit': ['7', 7],
    'runs.silent_after': ['1h', 3_600_000],
    'runs.limit': ['7', 7],
    'limits.connections_per_user': ['7', 7],
    'admin.read_only': ['true', true],
    'admin.messages': ['7', 7],
    'admin.payloads': ['true', true],
    'admin.payload_bytes': ['1KiB', 1024],
    'admin.redact': ['token, iban', ['token', 'iban']],
    'admin.trace_url': ['https://traces.example/{trace_id}', 'https://traces.example/{trace_id}'],
    'objective.all': ['90%', 0.9],
    'objective.critical': ['1', 1],
    'objective.high': ['0.5', 0.5],
    'objective.normal': ['0.5', 0.5],
    'objective.low': ['0', 0],
    'tracing.keep_confirmed': ['1%', 0.01],
    'tracing.slow': ['1.5m', 90_000],
    'tracing.events': ['both', 'both'],
    upstream_host: ['app.example:81', 'app.example:81'],
    'tracing.propagate': ['always', 'always'],
    'tracing.pending_after': ['2s', 2000],
    'tracing.peer_address': ['true', true],
    'tracing.user_hash_key': ['ABCDEFGHIJKLMNOP', 'ABCDEFGHIJKLMNOP'],
    'store.at': ['file:/var/lib/ackspan/', { kind: 'file', directory: '/var/lib/ackspan' }],
    'store.after': ['0s', 0],
    'store.sync': ['0s', 0],
    'store.keep': ['1h', 3_600_000],
    'store.keep_bytes': ['2MiB', 2_097_152],
    'store.lease': ['3s', 3000],
    'store.prefix': ['chat:1', 'chat:1'],
    'store.ca': [CA, expect.objectContaining({ path: CA })],
    'limits.pending': ['7', 7],
    'limits.pending_per_user': ['7', 7],
    'limits.connections': ['7', 7],
    'limits.message_bytes': ['2 MB', 2_000_000],
    'limits.confirmation_bytes': ['512', 512],
    'limits.handshake': ['250ms', 250],
    'limits.patience': ['3s', 3000],
    'limits.silence': ['0ms', 0],
    'limits.stall': ['0s', 0],
    'limits.history': ['0', 0],
    'events.unread': ['count', 'count'],
    'limits.retained_bytes': ['1MiB', 1_048_576],
    'limits.in_flight_bytes': ['2MiB', 2_097_152],
    'limits.memory': ['50%', 0.5],
    'limits.retained_bytes_per_user': ['3KiB', 3072],
    'sessions.ttl': ['90s', 90_000],
    'sessions.reload': ['2s', 2000],
    'sessions.retained_bytes': ['2KiB', 2048],
    'sessions.keys': ['ABCDEFGHIJKLMNOP, abcdefghijklmnop', ['ABCDEFGHIJKLMNOP', 'abcdefghijklmnop']],
    'hooks.url': ['/internal/ackspan?a=1', '/internal/ackspan?a=1'],
    'hooks.secrets': [`${WHSEC}, ${WHSEC}`, [WHSEC, WHSEC]],
    'hooks.events': ['timeout, reemit', ['timeout', 'reemit']],
    'hooks.payload': ['true', true],
    'hooks.timeout': ['3s', 3000],
    'hooks.tries': ['7', 7],
    'hooks.queue': ['7', 7],
    'hooks.concurrency': ['7', 7],
    'limits.connection_age': ['55m', 3_300_000],
    'limits.idle': ['10m', 600_000],
    'shutdown.grace': ['0s', 0],
    'shutdown.delay': ['5s', 5000],
    log_level: ['silent', 'silent'],
    service_name: ['my gateway', 'my gateway'],
  };
  it.each((TABLE as readonly Row[]).map((row) => [envName(row.key), row] as const))('%s', (name, row) => {
    const [text, resolved] = samples[row.key] ?? ['/a/b, /c~1d', ['/a/b', '/c~1d']];
    // A mount asks for a token; what a JWT must say asks for a key; a hook asks for a secret.
    const key = row.key.startsWith('identity.jwt_') ? { ACKSPAN_IDENTITY_JWT_KEY: 'z'.repeat(32) } : {};
    const trust = row.key === 'identity.user' ? { ACKSPAN_IDENTITY_TRUST: 'upstream' } : {};
    const source = /^identity\.jw/.test(row.key) ? { ACKSPAN_IDENTITY_USER: 'jwt:sub' } : {};
    const audience = row.key === 'identity.jwks_url' ? { ACKSPAN_IDENTITY_JWT_AUDIENCE: 'chat' } : {};
    const secrets = { ACKSPAN_ADMIN_TOKEN: 'qrstuvwxyzabcdef', ACKSPAN_HOOKS_SECRETS: WHSEC };
    const env = { ...UPSTREAM, ...key, ...trust, ...source, ...audience, ...secrets, [name]: text };
    const loaded = load({ env });
    expect(at(configOf(loaded), row)).toEqual(resolved);
    expect(loaded.warnings).toEqual([]);
  });

  it('a variable that sets nothing is a warning with what was probably meant', () => {
    const { config, warnings } = load({ env: { ...UPSTREAM, ACKSPAN_LIMIT_PENDING: '4', ACKSPAN_ZEBRA: '1' } });
    expect(config).toBeDefined();
    expect(warnings.map(formatFault)).toEqual([
      'ACKSPAN_LIMIT_PENDING: this variable sets nothing; did you mean ACKSPAN_LIMITS_PENDING?',
      'ACKSPAN_ZEBRA: this variable sets nothing',
    ]);
  });

  it('the variables that Kubernetes makes for a Service called ackspan are no mistake', () => {
    const kubernetes = {
      ACKSPAN_SERVICE_HOST: '10.0.0.1',
      ACKSPAN_SERVICE_PORT: '80',
      ACKSPAN_SERVICE_PORT_HTTP: '80',
      ACKSPAN_PORT: 'tcp://10.0.0.1:80',
      ACKSPAN_PORT_80_TCP_ADDR: '10.0.0.1',
    };
    expect(load({ env: { ...UPSTREAM, ...kubernetes } }).warnings).toEqual([]);
  });
});

describe('a group that may be written as one value', () => {
  const directory = '/var/lib/ackspan';
  it('`store:` says where; the other keys of the group keep their defaults', () => {
    const { store } = configOf(load({ env: UPSTREAM, yaml: `store: file:${directory}` }));
    expect(store).toMatchObject({ at: { kind: 'file', directory }, afterMs: 100 });
    expect(
      configOf(load({ env: UPSTREAM, yaml: `store: { at: "file:${directory}", after: 1s }` })).store,
    ).toMatchObject({
      at: { kind: 'file', directory },
      afterMs: 1000,
    });
  });

  it('so does ACKSPAN_STORE, which no warning calls useless', () => {
    const loaded = load({ env: { ...UPSTREAM, ACKSPAN_STORE: `file:${directory}` }, yaml: 'store: memory' });
    expect(configOf(loaded).store.at).toEqual({ kind: 'file', directory });
    expect(loaded.warnings).toEqual([]);
  });

  const redis = { kind: 'redis', master: undefined, tls: false, username: undefined, password: undefined, database: 0 };
  it.each([
    ['redis://cache', { ...redis, nodes: [{ host: 'cache', port: 6379 }] }],
    [
      'rediss://ann:p%40ss@[::1]:6380/3',
      {
        ...{ ...redis, tls: true, username: 'ann', password: 'p@ss', database: 3 },
        nodes: [{ host: '::1', port: 6380 }],
      },
    ],
    [
      'redis+sentinel://:secret@a,b:26380/main/1',
      {
        ...{ ...redis, password: 'secret', master: 'main', database: 1 },
        nodes: [
          { host: 'a', port: 26379 },
          { host: 'b', port: 26380 },
        ],
      },
    ],
  ])('%s is a Redis', (place, at) => {
    expect(configOf(load({ env: UPSTREAM, yaml: `store: "${place}"` })).store.at).toEqual(at);
  });

  it('a password in an address that is no place is not printed', () => {
    const { faults } = load({ env: UPSTREAM, yaml: 'store: "redis://:hunter2@a,b"' });
    expect(faults).toHaveLength(1);
    expect(formatFault(faults[0]!)).toContain('store.at: "redis://…@a,b" is not allowed');
  });

  it.each([
    ...['file:relative', 'file:/', 'sqlite:/a', 'file:', 'redis://', 'redis://a,b', 'redis://a/x', 'redis://a:70000'],
    ...['redis+sentinel://a', 'redis://a/0/1', 'redis://%zz@a', 'redis://a?db=1'],
  ])('%s is no place', (place) => {
    const { faults } = load({ env: UPSTREAM, yaml: `store: "${place}"` });
    expect(faults.map(formatFault)).toEqual([
      `a.yaml:1:8: store.at: ${JSON.stringify(place.replace('%zz@', '…@'))} is not allowed; write \`memory\`, \`file:\` with an absolute directory such as file:/var/lib/ackspan, redis://host:6379/0 (rediss:// for TLS), or redis+sentinel://host:26379,host:26379/name`,
    ]);
  });
});

describe('references to variables', () => {
  const token = 'abcdefghijklmnop';
  it('are filled in inside block, flow and quoted values, and beside other text', () => {
    const yaml = `upstream: http://\${H}:\${P:-8000}\nadmin: { listen: 127.0.0.1:9464, token: \${T} }\nservice_name: "\${N:-a, {b}"\n`;
    const config = configOf(load({ yaml, env: { H: 'backend', T: token } }));
    expect(config.upstream).toBe('http://backend:8000');
    expect(config.admin.token).toBe(token);
    expect(config.serviceName).toBe('a, {b');
  });

  it('an empty default means not given; $${ stands for itself; comments are left alone', () => {
    const yaml = 'upstream: http://h:1 # ${NOT_SET}\nadmin: { token: ${T:-} }\nservice_name: $${N}\n';
    const config = configOf(load({ yaml }));
    expect(config.admin.token).toBeUndefined();
    expect(config.serviceName).toBe('${N}');
  });

  it('cannot bring YAML of their own into the file', () => {
    const yaml = 'upstream: http://h:1\nservice_name: ${N}\n';
    expect(configOf(load({ yaml, env: { N: 'a, log_level: debug }' } })).serviceName).toBe('a, log_level: debug }');
  });
});

describe('rules', () => {
  it('fields left out have the documented defaults, and one glob needs no list', () => {
    const { events } = configOf(load({ env: UPSTREAM, yaml: 'events: { rules: [{ match: tool_* }] }' }));
    expect(events.rules).toEqual([
      {
        match: ['tool_*'],
        track: true,
        priority: 'normal',
        confirm: 'auto',
        timeoutMs: 30_000,
        attemptsMs: [1000, 2000, 4000],
        resend: false,
      },
    ]);
  });

  it('warns about attempts for which there is nothing to try once a client without the SDK has received the event', () => {
    const rule = (more: string) => `events:\n  rules:\n    - { match: a, confirm: processed${more} }\n`;
    const hooks =
      'hooks: { url: "http://127.0.0.1:1/h", secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw], events: [reemit] }\n';
    const warnings = (yaml: string) => load({ env: UPSTREAM, yaml }).warnings.map(formatFault);
    expect(warnings(rule(''))).toEqual([
      'a.yaml:3:7: events.rules[0].attempts: are not made once a client without the SDK has received the event: there is nothing to try; set resend: true, or hooks.events with reemit, or attempts: []',
    ]);
    expect([rule(', attempts: []'), rule(', resend: true'), rule('') + hooks].flatMap(warnings)).toEqual([]);
  });

  it.each([
    ['limits.retained_bytes', 'limits: { retained_bytes: 0B }'],
    ['limits.retained_bytes_per_user', 'limits: { retained_bytes_per_user: 0B }'],
    ['sessions.retained_bytes', 'sessions: { retained_bytes: 0B }'],
  ])('warns about messages that are to be sent again and cannot be kept: %s is 0', (key, zero) => {
    const yaml = (resend: boolean) =>
      `${zero}\nevents:\n  rules:\n    - { match: a, confirm: processed, attempts: [], resend: ${resend} }\n`;
    expect(load({ env: UPSTREAM, yaml: yaml(true) }).warnings.map(formatFault)).toEqual([
      `a.yaml:4:61: events.rules[0].resend: sends nothing again: ${key} is 0, so no message is kept`,
    ]);
    expect(load({ env: UPSTREAM, yaml: yaml(false) }).warnings).toEqual([]);
  });

  it.each([
    ['[2s, 2s]', '4s', true],
    ['[2s, 2s]', '4100ms', false],
    ['[2s, 1s, 1s]', '4100ms', true],
    ['[4s]', '4001ms', false],
  ])('warns about a last attempt that chance may take past the deadline: %s, %s', (attempts, timeout, bites) => {
    const yaml = `events:\n  rules:\n    - { match: a, timeout: ${timeout}, attempts: ${attempts} }\n`;
    const warned = load({ env: UPSTREAM, yaml }).warnings.map(({ message }) => message);
    expect(warned.some((message) => message.startsWith('the last attempt may not be made'))).toBe(
      bites && timeout !== '4s',
    );
    expect(warned.length).toBe(bites ? 1 : 0);
  });

  it('warns about resend: true where no attempt can ever be one', () => {
    const warnings = (more: string) =>
      load({ env: UPSTREAM, yaml: `events: { rules: [{ match: a, resend: true, ${more} }] }` }).warnings.map(
        ({ message }) => message,
      );
    const needless =
      'sends nothing again: a client without the SDK needs nothing more once it has received the event; set confirm: processed';
    expect(['attempts: [1s]', 'confirm: received'].map(warnings)).toEqual([[needless], [needless]]);
    expect(warnings('confirm: processed, attempts: []')).toEqual([
      'sends nothing again: attempts is empty, so there is no time for it',
    ]);
    expect(['confirm: processed', 'keep_lost: true', 'track: false'].flatMap(warnings)).toEqual([]);
  });

  it('warns about rules that are never reached and attempts past the deadline', () => {
    const yaml = 'events:\n  rules:\n    - { match: "*", timeout: 5s }\n    - { match: a, attempts: [] }\n';
    expect(load({ env: UPSTREAM, yaml }).warnings.map(formatFault)).toEqual([
      'a.yaml:3:7: events.rules[0].attempts: the last attempt would come 7s after the send, past the timeout of 5s',
      'a.yaml:4:16: events.rules[1].match: never used: events.rules[0] matches everything before it',
    ]);
  });
});

describe('nothing secret is printed', () => {
  const secret = 'hunter2-hunter2-hunter2!';
  const wrongs: LoadInput['env'][] = [{ ACKSPAN_ADMIN_TOKEN: secret }, { ACKSPAN_TRACING_USER_HASH_KEY: secret }];
  const files = [
    `admin: { token: "${secret}" }`,
    `admin: "${secret}"`,
    `admin: { tokne: "${secret}" }`,
    `admin: { token: ["${secret}"] }`,
    `admin: { token: { a: "${secret}" } }`,
    `tracing: { user_hash_key: "${secret}" }`,
    `admin: { token: "${secret}`,
    `upstream: http://user:${secret}@host:1`,
    `hooks: { url: "https://user:${secret}@host/hook" }`,
    `hooks: { secrets: [ "whsec_${secret}" ] }`,
  ];
  it.each([...wrongs.map((env) => ({ env })), ...files.map((yaml) => ({ yaml }))])('%j', (input) => {
    const loaded = load(input);
    expect(loaded.faults.length).toBeGreaterThan(0);
    expect(JSON.stringify(loaded)).not.toContain('hunter2');
  });
});

describe('the file as such', () => {
  it('may be empty', () => {
    expect(configOf(load({ env: UPSTREAM, yaml: '' })).listen).toEqual({ host: '0.0.0.0', port: 8080 });
  });

  it('whatever it holds, loading ends in a config or in faults, and never throws', () => {
    const word = fc.constantFrom(
      'upstream',
      'admin',
      'events',
      'rules',
      'match',
      '${A}',
      '*a',
      '&a',
      '"',
      '[',
      ']',
      '{',
      '}',
    );
    const piece = fc.oneof(
      word,
      fc.constantFrom(': ', '\n', '\n  ', '- ', ', ', '#', '!!', '\t', '0', '1s'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        const loaded = load({ yaml: pieces.join('') });
        expect(loaded.config === undefined).toBe(loaded.faults.length > 0);
      }),
      propertyOptions(2000),
    );
  });
});

it('the table holds no key that `Config` lacks (the compiler holds the other direction in load.ts)', () => {
  const config: Resolved = configOf(load({ env: UPSTREAM }));
  const leaves = TABLE.map((row) => at(config, row));
  expect(leaves).toHaveLength(TABLE.length);
});
