// The log: its shape, and that no credential gets into it by any road.
import { describe, expect, it, vi } from 'vitest';
import { createLog, createReport } from '../../src/log/log.ts';

function capture(env: Record<string, string> = {}): { lines: string[]; log: ReturnType<typeof createLog> } {
  const lines: string[] = [];
  const log = createLog({ logLevel: 'trace', serviceName: 'test' }, { write: (line) => void lines.push(line) }, env);
  return { lines, log };
}

it('a line is one JSON object with level, time, service and message', () => {
  const { lines, log } = capture();
  log.warn({ connection: 'c-1' }, 'hello');
  expect(JSON.parse(lines[0]!)).toEqual({
    level: 'warn',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    service: 'test',
    connection: 'c-1',
    msg: 'hello',
  });
});

describe('a line about one delivery', () => {
  const fields = { delivery: 'd-1', trace_id: '0af7651916cd43dd8448eb211c80319c', span_id: 'b7ad6b7169203331' };

  it('carries trace and span id as they are', () => {
    const { lines, log } = capture();
    log.warn(fields, 'delivery timed out');
    expect(JSON.parse(lines[0]!)).toEqual({
      level: 'warn',
      time: expect.any(String),
      service: 'test',
      msg: 'delivery timed out',
      ...fields,
    });
  });

  it('is joined to its trace by Google Cloud Logging on Cloud Run', () => {
    const { lines, log } = capture({ K_SERVICE: 'chat', GOOGLE_CLOUD_PROJECT: 'acme' });
    log.warn(fields, 'delivery timed out');
    expect(JSON.parse(lines[0]!)).toEqual({
      severity: 'WARNING',
      time: expect.any(String),
      service: 'test',
      message: 'delivery timed out',
      ...fields,
      'logging.googleapis.com/trace': 'projects/acme/traces/0af7651916cd43dd8448eb211c80319c',
      'logging.googleapis.com/spanId': 'b7ad6b7169203331',
      'logging.googleapis.com/trace_sampled': true,
    });
  });

  it('keeps its ids on Cloud Run when the project is unknown, and lines without a trace get none', () => {
    const unknown = capture({ K_SERVICE: 'chat' });
    unknown.log.warn(fields, 'm');
    expect(JSON.parse(unknown.lines[0]!)).toMatchObject({ severity: 'WARNING', ...fields });
    const known = capture({ K_SERVICE: 'chat', GOOGLE_CLOUD_PROJECT: 'acme' });
    known.log.info({ listen: 'x' }, 'm');
    expect((unknown.lines[0] ?? '') + known.lines[0]).not.toContain('googleapis');
  });

  it.each([
    ['trace', 'DEBUG'],
    ['debug', 'DEBUG'],
    ['info', 'INFO'],
    ['warn', 'WARNING'],
    ['error', 'ERROR'],
    ['fatal', 'CRITICAL'],
  ] as const)('%s is severity %s on Cloud Run', (level, severity) => {
    const { lines, log } = capture({ K_SERVICE: 'chat' });
    log[level]('m');
    expect(JSON.parse(lines[0]!)).toMatchObject({ severity, message: 'm' });
  });
});

describe('[D11] credentials never reach the log', () => {
  const secret = 'hunter2hunter2';
  const jwt = `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSJ9.${secret}`;
  const error = Object.assign(new Error(`GET http://u:${secret}@h/?token=${secret} failed`), {
    headers: { cookie: secret },
  });
  it.each([
    ['a field', { token: secret }],
    ['a nested field', { request: { headers: { authorization: `Bearer ${secret}`, 'Set-Cookie': [secret] } } }],
    ['a field in a list', { all: [{ admin_token: secret }] }],
    ['a query', { url: `/ws?user_id=u1&access_token=${secret}#x` }],
    ['a quoted query', { text: `he said "GET /ws?t=${secret}"` }],
    ['URL credentials', { upstream: `https://anna:${secret}@host/` }],
    ['a bearer token in text', { text: `authorization: bearer ${secret}` }],
    ['a JSON Web Token anywhere', { protocols: `jwt.${jwt}` }],
    ['an error', { err: error }],
    ['an error by another name', { cause: new Error(`wss://h/?ticket=${secret}`) }],
  ])('%s', (_where, fields) => {
    const { lines, log } = capture();
    log.error(fields, 'x');
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toContain('hunter2');
    expect(() => JSON.parse(lines[0]!)).not.toThrow();
  });

  it('the message, and an error handed in bare', () => {
    const { lines, log } = capture();
    log.error(`dialled ws://h/?token=${secret}`);
    log.error(error);
    expect(lines.join('')).not.toContain('hunter2');
    expect(JSON.parse(lines[1]!).err).toMatchObject({ type: 'Error', message: expect.stringContaining('failed') });
  });

  it('leaves the rest readable', () => {
    const { lines, log } = capture();
    log.info({ url: '/ws?user=u1&room=2', tokens: 5, path: '/a' }, 'm');
    expect(JSON.parse(lines[0]!)).toMatchObject({ url: '/ws?user=[redacted]&room=[redacted]', tokens: 5, path: '/a' });
  });
});

describe('what strangers wrote', () => {
  it.each([
    ['an escape', '\u001b[2J'],
    ['a C1 control', '\u009b31m'],
    ['DEL', 'a\u007f'],
    ['turned round', '\u202etxet\u202c'],
    ['isolated', '\u2066x\u2069'],
    ['no width', 'a\u200bb\ufeffc'],
    ['a tag', 'a\u{e0041}'],
    ['a line', 'a\nb\r\nc\u2028d\u2029'],
    ['half a pair', 'a\ud800'],
  ])('%s means the same to a program, and does nothing to a terminal', (_name, text) => {
    const { lines, log } = capture();
    log.warn({ user: text, [`f${text}`]: [text], err: new Error(text) }, `said ${text}`);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}]*\n$/u);
    expect(JSON.parse(lines[0]!)).toMatchObject({
      user: text,
      [`f${text}`]: [text],
      err: { message: text },
      msg: `said ${text}`,
    });
  });

  it('names and other scripts stay readable', () => {
    const { lines, log } = capture();
    log.warn({ user: 'Müller 名前 نص 👩' }, 'm');
    expect(lines[0]).toContain('Müller 名前 نص 👩');
  });
});

describe('reports', () => {
  it('write 5 lines per stage in 10 s and then count', () => {
    const { lines, log } = capture();
    let now = 0;
    const report = createReport(log, () => now);
    for (let i = 0; i < 100; i++) report({ stage: 'relay.http', error: new Error('reset') });
    report({ stage: 'decode', error: 'odd' });
    expect(lines).toHaveLength(6);
    now = 10_000;
    report({ stage: 'relay.http', error: new Error('again') });
    expect(lines.slice(6).map((line) => JSON.parse(line))).toMatchObject([
      { stage: 'relay.http', suppressed: 95, msg: '95 more faults in relay.http were not logged' },
      { stage: 'relay.http', err: { message: 'again' }, msg: 'fault in relay.http: again' },
    ]);
    report.tellRest();
  });

  it('how many were left out is said at the end of the 10 s, whether or not there are more', () => {
    vi.useFakeTimers();
    const { lines, log } = capture();
    const report = createReport(log);
    for (let i = 0; i < 7; i++) report({ stage: 'hook', error: new Error('reset') });
    vi.advanceTimersByTime(9_999);
    expect(lines).toHaveLength(5);
    vi.advanceTimersByTime(1);
    expect(JSON.parse(lines[5]!)).toMatchObject({ stage: 'hook', suppressed: 2 });
    vi.advanceTimersByTime(60_000);
    expect(lines).toHaveLength(6);
    vi.useRealTimers();
  });

  it('and at the end of the process', () => {
    const { lines, log } = capture();
    const report = createReport(log);
    for (let i = 0; i < 9; i++) report({ stage: 'telemetry', error: new Error('lost') });
    report.tellRest();
    report.tellRest();
    expect(lines.slice(5).map((line) => JSON.parse(line))).toMatchObject([{ stage: 'telemetry', suppressed: 4 }]);
  });
});
