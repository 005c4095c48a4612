// Kinds of requests and answers, and for each which of the listed differences from a direct connection it shows: no other, and not fewer.
import { clientFrame, closePayload, frame } from '../support/raw-frames.ts';
import type { RequestDifference, ResponseDifference } from './transparency-differences.ts';

/** One exchange on one client connection. All text is latin1. */
export interface Row {
  readonly name: string;
  /** What the client sends, in pieces: the next one when it has had the next answer. */
  readonly send: readonly string[];
  /** What the backend answers to each request that it has read. */
  readonly answers: readonly string[];
  readonly request: readonly RequestDifference[];
  readonly response: readonly ResponseDifference[];
  /** Whom the client asked for. Default `a`. */
  readonly host?: string;
  /** The backend answers to heads, without waiting for bodies. */
  readonly early?: boolean;
  /** The backend ends the connection after its last answer. */
  readonly ends?: boolean;
}

const message = (start: string, lines: readonly string[], body = '') =>
  `${[start, ...lines, '', ''].join('\r\n')}${body}`;
const ask = (lines: readonly string[] = [], start = 'GET /p HTTP/1.1', body = '') =>
  message(start, ['Host: a', ...lines], body);
const post = (lines: readonly string[], body = '') => ask(lines, 'POST /p HTTP/1.1', body);
const reply = (lines: readonly string[] = ['Content-Length: 2'], body = 'ok', start = 'HTTP/1.1 200 OK') =>
  message(start, lines, body);

const REQUEST: readonly RequestDifference[] = ['forwarded', 'own Connection'];
const RESPONSE: readonly ResponseDifference[] = ['own Connection'];
const CHUNKS = '1\r\na\r\n3\r\nbcd\r\n0\r\n\r\n';

interface Diffs {
  readonly request?: readonly RequestDifference[];
  readonly response?: readonly ResponseDifference[];
}

/** A plain exchange: the two differences that every one has, and these. */
function plain(name: string, send: string, answer: string, more: Diffs & Partial<Row> = {}): Row {
  const request = [...REQUEST, ...(more.request ?? [])];
  const instead = more.response?.some((each) => each.startsWith('Connection: '));
  const response = [...(instead ? [] : RESPONSE), ...(more.response ?? [])];
  return { name, send: [send], answers: [answer], ...more, request, response };
}

const WS = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==';
const ws = (lines: readonly string[] = [], target = '/ws') => ask([...WS, KEY, ...lines], `GET ${target} HTTP/1.1`);
const switched = (lines: readonly string[] = [], frames = '') =>
  reply(
    ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=', ...lines],
    frames,
    'HTTP/1.1 101 Switching Protocols',
  );
const bytes = (...buffers: Buffer[]) => Buffer.concat(buffers).toString('latin1');

function socket(
  name: string,
  send: readonly string[],
  answers: readonly string[],
  more: Diffs & Partial<Row> = {},
): Row {
  const request: RequestDifference[] = ['forwarded', ...(more.request ?? [])];
  return { name, send, answers, ...more, request, response: more.response ?? ['pings'] };
}

/** A handshake that the upstream does not accept. */
function refusal(name: string, answer: string, more: Diffs & Partial<Row> = {}): Row {
  return socket(name, [ws()], [answer], { ...more, response: ['Connection: close', ...(more.response ?? [])] });
}

function refused(name: string, send: string): Row {
  return { name, send: [send], answers: [reply()], request: ['refused'], response: ['refused'] };
}

const UPGRADED = 'HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n';
const TCP = ['Connection: Upgrade', 'Upgrade: tcp'];

export const ROWS: readonly Row[] = [
  plain('GET', ask(), reply()),
  plain('GET with a query that is no URL', ask([], 'GET /a//b/../%2e?x=%zz&&="\' HTTP/1.1'), reply()),
  plain('GET //host/path', ask([], 'GET //evil.example/x HTTP/1.1'), reply()),
  plain('HEAD', ask([], 'HEAD /p HTTP/1.1'), reply(['Content-Length: 5'], '')),
  plain('DELETE without a body', ask([], 'DELETE /p HTTP/1.1'), reply()),
  plain('OPTIONS *', ask([], 'OPTIONS * HTTP/1.1'), reply()),
  plain('POST with a length', post(['Content-Length: 3'], 'abc'), reply()),
  plain('POST with a length spelled its own way', post(['content-LENGTH: 3'], 'abc'), reply()),
  plain('POST of nothing', post(['Content-Length: 0']), reply()),
  plain('POST that says nothing of a body', post([]), reply()),
  plain('POST in chunks', post(['Transfer-Encoding: chunked'], CHUNKS), reply(), { request: ['late framing'] }),
  plain('POST in chunks with extensions', post(['Transfer-Encoding: chunked'], '01;x=y\r\na\r\n0\r\n\r\n'), reply(), {
    request: ['late framing', 'plain chunks'],
  }),
  plain(
    'POST with trailers',
    post(['TE: trailers', 'Trailer: X-T', 'Transfer-Encoding: chunked'], '1\r\na\r\n0\r\nX-T: 1\r\n\r\n'),
    reply(),
    { request: ['hop-by-hop headers', 'TE: trailers', 'late framing'] },
  ),
  plain('POST in gzip and chunks', post(['Transfer-Encoding: gzip, chunked'], CHUNKS), reply(), {
    request: ['late framing'],
  }),
  plain('POST in chunks, spelled in its own way', post(['Transfer-Encoding: , Chunked'], CHUNKS), reply(), {
    request: ['late framing', 'plain codings'],
  }),
  plain('PUT after 100 Continue', ask(['Content-Length: 2', 'Expect: 100-continue'], 'PUT /p HTTP/1.1'), '', {
    send: [ask(['Content-Length: 2', 'Expect: 100-continue'], 'PUT /p HTTP/1.1'), 'ok'],
    answers: ['HTTP/1.1 100 Continue\r\n\r\n', reply()],
    request: ['late expectation'],
    early: true,
  }),
  plain(
    'PUT whose expectation fails',
    ask(['Content-Length: 2', 'Expect: 100-continue'], 'PUT /p HTTP/1.1'),
    reply(['Content-Length: 2'], 'no', 'HTTP/1.1 417 Expectation Failed'),
    { request: ['late expectation'], response: ['Connection: close'], early: true },
  ),
  plain('another expectation', ask(['Expect: tea']), reply(), { request: ['late expectation'] }),
  plain(
    'names in any case',
    ask(['x-lower: 1', 'X-UPPER: 2', 'X-miXed: 3']),
    reply(['x-lower: 1', 'X-UPPER: 2', 'content-length: 2']),
  ),
  plain(
    'several lines of a name',
    ask(['X-A: 1', 'X-B: 2', 'x-a: 3']),
    reply(['X-A: 1', 'Content-Length: 2', 'x-a: 3']),
    {
      request: ['grouped lines'],
    },
  ),
  plain(
    'several cookies',
    ask(['Cookie: a=1', 'X-A: 1', 'Cookie: b="2"']),
    reply(['Set-Cookie: a=1', 'Set-Cookie: b=2', 'Content-Length: 2']),
    {
      request: ['joined cookies'],
    },
  ),
  plain(
    'spaces around values',
    ask(['X-A:1', 'X-B:  2\t ', 'X-C:']),
    reply(['X-A:1', 'X-B:  2 ', 'X-C:', 'Content-Length: 2']),
    {
      request: ['spacing'],
      response: ['spacing'],
    },
  ),
  plain('bytes beyond ASCII', ask(['X-L: caf\u00e9 \u00ff']), reply(['X-L: \u00e9', 'Content-Length: 2'])),
  plain('a long header', ask([`X-L: ${'x'.repeat(8000)}`]), reply([`X-L: ${'y'.repeat(8000)}`, 'Content-Length: 2'])),
  plain(
    '300 headers',
    ask(Array.from({ length: 300 }, (_, i) => `X-${i}: ${i}`)),
    reply([...Array.from({ length: 300 }, (_, i) => `X-${i}: ${i}`), 'Content-Length: 2']),
  ),
  plain(
    '1,500 headers',
    ask(Array.from({ length: 1500 }, (_, i) => `X-${i}: ${i}`)),
    reply([...Array.from({ length: 1500 }, (_, i) => `X-${i}: ${i}`), 'Content-Length: 2']),
  ),
  plain('spaces in the first line', ask([], 'GET  /p  HTTP/1.1'), reply(['Content-Length: 2'], 'ok', 'HTTP/1.1 200'), {
    request: ['spacing'],
    response: ['spacing'],
  }),
  plain('an empty line first', `\r\n${ask()}`, reply(), { request: ['leading empty line'] }),
  plain('an absolute target', ask([], 'GET http://b.example/p?q HTTP/1.1'), reply(), {
    request: ['absolute target'],
    host: 'b.example',
  }),
  plain('a Host with a port', message('GET / HTTP/1.1', ['hOsT: b.example:81']), reply(), { host: 'b.example:81' }),
  plain('an empty Host', message('GET / HTTP/1.1', ['Host: ', 'X-Forwarded-Host: z']), reply(), { host: '' }),
  plain(
    'forwarded by somebody before',
    ask([
      'X-Forwarded-For: 1.1.1.1',
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: z',
      'Forwarded: for=2.2.2.2',
      'forwarded: for=3.3.3.3;proto=https',
      'Via: 1.1 x',
    ]),
    reply(),
  ),
  plain(
    'a trace',
    ask(['traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'tracestate: a=1']),
    reply(),
  ),
  plain('no trace that anybody could read', ask(['traceparent: x', 'traceparent: y', 'tracestate: a']), reply()),
  plain(
    'credentials',
    ask(['Authorization: Bearer x', 'Proxy-Authorization: y']),
    reply(['WWW-Authenticate: z', 'Proxy-Authenticate: z', 'Content-Length: 2']),
  ),
  plain(
    'Connection: keep-alive',
    ask(['Connection: keep-alive', 'Keep-Alive: timeout=5']),
    reply(['Content-Length: 2', 'Connection: keep-alive', 'Keep-Alive: timeout=5']),
    {
      request: ['hop-by-hop headers'],
      response: ['hop-by-hop headers'],
    },
  ),
  plain(
    'Connection: close from the client',
    ask(['Connection: close']),
    reply(['Content-Length: 2', 'Connection: close']),
    {
      response: ['Connection: close'],
    },
  ),
  plain('Connection: close from the backend', ask(), reply(['Content-Length: 2', 'Connection: close']), { ends: true }),
  plain(
    'headers that Connection names',
    ask(['Connection: X-N, close', 'X-N: 1', 'X-M: 2']),
    reply(['Content-Length: 2', 'Connection: X-O', 'X-O: 1']),
    {
      request: ['nominated headers'],
      response: ['nominated headers', 'Connection: close'],
    },
  ),
  plain(
    'Proxy-Connection',
    ask(['Proxy-Connection: keep-alive']),
    reply(['Content-Length: 2', 'Proxy-Connection: close']),
    {
      request: ['hop-by-hop headers'],
      response: ['hop-by-hop headers'],
    },
  ),
  plain('TE: gzip', ask(['TE: gzip']), reply(), { request: ['hop-by-hop headers'] }),
  plain('HTTP/1.0', message('GET /p HTTP/1.0', ['Host: a']), reply(['Content-Length: 2'], 'ok', 'HTTP/1.0 200 OK'), {
    request: ['version 1.1'],
    response: ['version 1.1', 'Connection: close'],
  }),
  plain(
    'HTTP/1.0 without a Host',
    message('GET /p HTTP/1.0', ['X-A: 1', 'X-Forwarded-Host: z']),
    reply(['Content-Length: 2'], 'ok', 'HTTP/1.0 200 OK'),
    {
      host: '',
      request: ['version 1.1', 'added Host'],
      response: ['version 1.1', 'Connection: close'],
    },
  ),
  plain(
    'HTTP/1.0 that keeps the connection',
    message('GET /p HTTP/1.0', ['Host: a', 'Connection: keep-alive']),
    reply(['Content-Length: 2', 'Connection: keep-alive'], 'ok', 'HTTP/1.0 200 OK'),
    {
      request: ['version 1.1'],
      response: ['version 1.1'],
    },
  ),
  plain(
    'HTTP/1.0 with an expectation',
    message('POST /p HTTP/1.0', ['Host: a', 'Content-Length: 0', 'Expect: 100-continue']),
    reply(),
    {
      request: ['version 1.1', 'no expectation in HTTP/1.0'],
      response: ['Connection: close'],
    },
  ),
  plain(
    'HTTP/1.0 answered in chunks',
    message('GET /p HTTP/1.0', ['Host: a']),
    reply(['Transfer-Encoding: chunked'], CHUNKS),
    {
      request: ['version 1.1'],
      response: ['no chunks', 'Connection: close'],
    },
  ),
  plain('an answer of unknown length', ask(), reply([], 'to the end'), {
    response: ['chunked for lack of a length'],
    ends: true,
  }),
  plain('an answer that breaks off', ask(), reply(['Content-Length: 9'], 'half'), { ends: true }),
  plain('an answer of unknown length in identity', ask(), reply(['Transfer-Encoding: identity'], 'to the end'), {
    response: ['no identity', 'chunked for lack of a length'],
    ends: true,
  }),
  plain('HEAD of what would be chunks', ask([], 'HEAD /p HTTP/1.1'), reply(['Transfer-Encoding: chunked'], ''), {
    response: ['no coding without a body'],
  }),
  plain('HEAD with a body', ask([], 'HEAD /p HTTP/1.1'), reply(['X-A: 1'], 'surplus'), {
    response: ['surplus dropped'],
  }),
  plain('204 with a body', ask(), reply(['X-A: 1'], 'surplus', 'HTTP/1.1 204 No Content'), {
    response: ['surplus dropped'],
  }),
  plain('more than the length says', ask(), reply(['Content-Length: 2'], 'ok and more'), {
    response: ['surplus dropped'],
  }),
  plain('an answer in chunks', ask(), reply(['Transfer-Encoding: chunked'], CHUNKS)),
  plain(
    'an answer in chunks with extensions',
    ask(),
    reply(['Transfer-Encoding: chunked'], '001;x=y\r\na\r\n0\r\n\r\n'),
    { response: ['plain chunks'] },
  ),
  plain(
    'an answer with trailers',
    ask(),
    reply(['Trailer: X-T', 'Transfer-Encoding: chunked'], '1\r\na\r\n0\r\nX-T: 1\r\n\r\n'),
  ),
  plain(
    'an answer with trailers nobody announced',
    ask(),
    reply(['Transfer-Encoding: chunked'], '1\r\na\r\n0\r\nX-T: 1\r\n\r\n'),
  ),
  plain('a Trailer header without chunks', ask(), reply(['Trailer: X-T', 'Content-Length: 2']), {
    response: ['no Trailer without chunks'],
  }),
  plain('an answer in gzip and chunks', ask(), reply(['Transfer-Encoding: gzip, chunked'], CHUNKS), {
    response: ['other codings first'],
  }),
  plain(
    'Content-Encoding',
    ask(['Accept-Encoding: br']),
    reply(['Content-Encoding: br', 'Vary: Accept-Encoding', 'Content-Length: 2']),
  ),
  plain('204', ask(), reply([], '', 'HTTP/1.1 204 No Content')),
  plain('204 with a length', ask(), reply(['Content-Length: 0'], '', 'HTTP/1.1 204 No Content')),
  plain(
    '304 with the length of what it stands for',
    ask(['If-None-Match: "x"']),
    reply(['ETag: "x"', 'Content-Length: 5'], '', 'HTTP/1.1 304 Not Modified'),
  ),
  plain(
    '206',
    ask(['Range: bytes=0-1']),
    reply(['Content-Range: bytes 0-1/9', 'Content-Length: 2'], 'ok', 'HTTP/1.1 206 Partial Content'),
  ),
  plain('a redirect', ask(), reply(['Location: http://127.0.0.1:1/x', 'Content-Length: 0'], '', 'HTTP/1.1 302 Found')),
  plain(
    '426',
    ask(),
    reply(['Upgrade: websocket', 'Connection: Upgrade', 'Content-Length: 0'], '', 'HTTP/1.1 426 Upgrade Required'),
    { response: ['Connection: Upgrade'] },
  ),
  plain('a status and a reason of its own', ask(), reply(['Content-Length: 2'], 'ok', 'HTTP/1.1 299 Very Odd Indeed')),
  plain('no reason', ask(), reply(['Content-Length: 2'], 'ok', 'HTTP/1.1 200 ')),
  plain(
    'Date, Server and Via of the backend',
    ask(),
    reply(['Date: yesterday', 'Server: s/1', 'Via: 1.1 v', 'Content-Length: 2']),
  ),
  plain('103', ask(), `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${reply()}`),
  plain('102 twice', ask(), `HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${reply()}`),
  plain('a 100 that nobody asked for', ask(), `HTTP/1.1 100 Continue\r\n\r\n${reply()}`, {
    response: ['interim answers withheld'],
  }),
  plain(
    '103 to HTTP/1.0',
    message('GET /p HTTP/1.0', ['Host: a']),
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${reply()}`,
    {
      request: ['version 1.1'],
      response: ['interim answers withheld', 'Connection: close'],
    },
  ),
  plain(
    'an event stream',
    ask(['Accept: text/event-stream']),
    reply(
      ['Content-Type: text/event-stream', 'Transfer-Encoding: chunked'],
      '9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n',
    ),
  ),
  plain('two requests one after the other', ask(), reply(), {
    send: [ask(), ask(['X-A: 2'])],
    answers: [reply(), reply(['Content-Length: 2'], 'no')],
  }),
  plain('Upgrade without Connection', ask(['Upgrade: websocket', KEY]), reply(), { request: ['ignored upgrade'] }),
  plain('an upgrade to WebSocket without a key', ask(['Connection: Upgrade', 'Upgrade: websocket']), reply(), {
    request: ['ignored upgrade'],
  }),
  plain(
    'an upgrade to WebSocket with a body',
    ask([...WS, KEY, 'Content-Length: 2'], 'GET /ws HTTP/1.1', 'hi'),
    reply(),
    {
      request: ['ignored upgrade'],
    },
  ),
  plain('an upgrade to WebSocket by POST', ask([...WS, KEY, 'Content-Length: 2'], 'POST /ws HTTP/1.1', 'hi'), reply(), {
    request: ['ignored upgrade'],
  }),
  plain('another upgrade with a body in chunks', post([...TCP, 'Transfer-Encoding: chunked'], CHUNKS), reply(), {
    request: ['ignored upgrade', 'late framing'],
  }),
  {
    name: 'an upgrade to tcp',
    send: [post(['Content-Length: 3', ...TCP], 'abc'), 'up'],
    answers: [`${UPGRADED}down`],
    request: ['forwarded'],
    response: [],
  },
  {
    name: 'an upgrade that is not accepted',
    send: [ask(TCP)],
    answers: [reply()],
    request: ['forwarded'],
    response: RESPONSE,
  },
  {
    name: 'an upgrade to h2c',
    send: [ask(['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'])],
    answers: [
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n\u0000\u0000\u0000\u0004',
    ],
    request: ['forwarded'],
    response: [],
  },
  socket(
    'a WebSocket',
    [ws(['Origin: http://o', 'Cookie: a=1', 'Sec-WebSocket-Protocol: chat, jwt.x'])],
    [switched(['Sec-WebSocket-Protocol: chat', 'Set-Cookie: a=1'])],
  ),
  socket(
    'a WebSocket in any case',
    [
      ask([
        'uPGRADE: WebSocket',
        'connection: upgrade',
        'sec-websocket-version: 13',
        KEY,
        'X-A: 1',
        'X-B: 2',
        'x-a: 3',
      ]),
    ],
    [switched(['X-A: 1'])],
  ),
  socket(
    'a WebSocket and Connection: keep-alive',
    [ask(['Connection: keep-alive, Upgrade', 'Upgrade: websocket', KEY])],
    [switched()],
    { request: ['upgrade alone'] },
  ),
  socket(
    'a WebSocket and Connection: close',
    [ask(['Connection: upgrade, close', 'Upgrade: websocket', KEY])],
    [switched()],
    { request: ['upgrade alone'] },
  ),
  socket('a WebSocket to an absolute target', [ws([], 'ws://b.example/ws?q')], [switched()], {
    request: ['absolute target'],
    host: 'b.example',
  }),
  socket('103 before a WebSocket', [ws()], [`HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${switched()}`]),
  socket('a 100 before a WebSocket that nobody asked for', [ws()], [`HTTP/1.1 100 Continue\r\n\r\n${switched()}`], {
    response: ['interim answers withheld', 'pings'],
  }),
  socket(
    'permessage-deflate',
    [ws(['Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits'])],
    [switched(['Sec-WebSocket-Extensions: permessage-deflate'])],
    { response: ['forgetful client', 'pings'] },
  ),
  socket(
    'permessage-deflate without context',
    [ws(['Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover'])],
    [switched(['Sec-WebSocket-Extensions: permessage-deflate; client_no_context_takeover'])],
  ),
  socket('other extensions', [ws(['Sec-WebSocket-Extensions: x-foo, permessage-deflate'])], [switched()], {
    request: ['extension offers'],
  }),
  socket('nothing but other extensions', [ws(['Sec-WebSocket-Extensions: x-foo'])], [switched()], {
    request: ['extension offers'],
  }),
  socket(
    'an answer with an extension that cannot be read',
    [ws()],
    [switched(['Sec-WebSocket-Extensions: x-foo'], bytes(frame('{"type":"a"}', { reserved: 0x20 })))],
    { response: [] },
  ),
  socket(
    'frames of the backend',
    [ws()],
    [
      switched(
        [],
        bytes(
          frame('{"type":"x","event_id":"1"}'),
          frame('two', { fin: false }),
          frame(Buffer.from('p'), { opcode: 9 }),
          frame(' parts', { opcode: 0 }),
          frame(Buffer.alloc(300, 7), { opcode: 2 }),
          frame('hi', { lengthBits: 64 }),
        ),
      ),
    ],
  ),
  socket(
    'frames of the client',
    [
      ws(),
      bytes(
        clientFrame('text'),
        clientFrame('a', { fin: false }),
        clientFrame(Buffer.from('ping'), { opcode: 9 }),
        clientFrame('b', { opcode: 0 }),
        clientFrame(Buffer.alloc(70_000, 1), { opcode: 2 }),
        clientFrame(closePayload(1000, 'bye'), { opcode: 8 }),
      ),
    ],
    [switched()],
  ),
  socket(
    'a confirmation',
    [
      ws(),
      bytes(
        clientFrame('{"type":"event_confirmation","event_id":"1","status":"confirmed"}'),
        clientFrame('{"type":"event_confirmation","event_id":"unknown","status":"confirmed"}'),
        clientFrame('{"type":"other"}'),
      ),
    ],
    [switched([], bytes(frame('{"type":"x","event_id":"1"}')))],
    { request: ['confirmations'] },
  ),
  socket(
    'a client that opts in',
    [ws(['Sec-WebSocket-Extensions: permessage-deflate'], '/ws?ackspan=1&b=2')],
    [switched()],
    {
      request: ['opt-in parameters', 'no offer for opted-in clients'],
      response: ['pings', 'welcome'],
    },
  ),
  refusal('a refused handshake', reply(['Content-Length: 2', 'Set-Cookie: a=1'], 'no', 'HTTP/1.1 403 Forbidden')),
  refusal('a handshake refused in chunks', reply(['Transfer-Encoding: chunked'], CHUNKS, 'HTTP/1.1 403 Forbidden'), {
    response: ['no chunks'],
  }),
  refusal(
    'a handshake refused with 426',
    reply(
      ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Content-Length: 0'],
      '',
      'HTTP/1.1 426 Upgrade Required',
    ),
  ),
  refusal(
    'a handshake that is redirected',
    reply(['Location: /x', 'Connection: keep-alive', 'Content-Length: 0'], '', 'HTTP/1.1 307 Temporary Redirect'),
  ),
  refusal(
    '103 before a refused handshake',
    `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${reply(['Content-Length: 2'], 'no', 'HTTP/1.1 403 Forbidden')}`,
  ),
  refused('two Hosts', ask(['Host: b'])),
  refused('no Host', message('GET / HTTP/1.1', ['X-A: 1'])),
  refused('a Host that is none', message('GET / HTTP/1.1', ['Host: a/b'])),
  refused('HTTP/1.0 in chunks', message('POST /p HTTP/1.0', ['Host: a', 'Transfer-Encoding: chunked'], CHUNKS)),
  refused('a length beside chunks', post(['Content-Length: 3', 'Transfer-Encoding: chunked'], CHUNKS)),
  refused('two lengths', post(['Content-Length: 3', 'Content-Length: 4'], 'abc')),
  refused('two lengths that agree', post(['Content-Length: 3', 'Content-Length: 3'], 'abc')),
  refused('a list of lengths', post(['Content-Length: 3, 3'], 'abc')),
  refused('identity before chunked', post(['Transfer-Encoding: identity, chunked'], CHUNKS)),
  refused('a folded header', ask(['X-A: 1', ' 2'])),
  refused('a folded header in a handshake', ws(['X-A: 1', ' 2'])),
  refused('NUL in a header', ask(['X-A: a\0b'])),
  refused('a line that ends without CR', 'GET / HTTP/1.1\r\nHost: a\nX-A: 1\r\n\r\n'),
  refused('a space before a colon', ask(['X-A : 1'])),
  refused('a head of more than 64 KiB', ask([`X-A: ${'x'.repeat(65_536)}`])),
  refused('a method that node:http does not know', ask([], 'FOO /p HTTP/1.1')),
  refused('bytes beyond ASCII in the target', ask([], 'GET /caf\u00c3\u00a9 HTTP/1.1')),
  refused('a target that is none', ask([], 'GET p HTTP/1.1')),
  refused('an absolute target without a host', ask([], 'GET http:///p HTTP/1.1')),
  refused('CONNECT', message('CONNECT a:443 HTTP/1.1', ['Host: a:443'])),
  refused('HTTP/0.9', 'GET /\r\n\r\n'),
];
