// Fuzz: the head of a request on its way through. What leaves must read back as what was meant: no line, no header and no value out of nothing.
import { filterOffers, readAgreement } from '../../src/front/extensions.ts';
import {
  addForwarded,
  formatHead,
  hasToken,
  headerValues,
  setTraceparent,
  withoutHopByHop,
} from '../../src/front/headers.ts';
import { setHost, targetOf } from '../../src/front/target.ts';
import { agree, type Target, words } from './target.ts';

export const headTarget: Target = {
  name: 'head',
  about: ['src/front/headers', 'src/front/target', 'src/front/extensions'],
  dictionary: words(
    ...[
      '\n',
      ': ',
      ', ',
      ';',
      '=',
      '"',
      'GET ',
      '/',
      '*',
      '?a=b',
      'http://h/',
      'ws://u:p@h:1/x?y#z',
      'Host: h',
      'Connection: Upgrade',
      'close',
    ],
    ...[
      'Connection: keep-alive, X-A',
      'Upgrade: websocket',
      'TE: trailers',
      'Transfer-Encoding: chunked',
      'Content-Length: 0',
      'X-Forwarded-For: 1.2.3.4',
    ],
    ...[
      'Sec-WebSocket-Extensions: permessage-deflate',
      'client_max_window_bits=15',
      'server_no_context_takeover',
      'x-webkit-deflate-frame',
      'permessage-bzip',
    ],
    ...[
      'traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      'tracestate: a=b',
      'X-Forwarded-Proto: https',
      '\xe9',
      '\t',
    ],
  ),
  maxBytes: 700,
  run(input) {
    const lines = Buffer.from(input).toString('latin1').split('\n');
    const [method = '', url = ''] = split(lines[0] ?? '', ' ');
    const raw = lines.slice(1).flatMap(admitted);
    const before = [...raw];
    const upgrade = hasToken(raw, 'upgrade', 'websocket');
    const headers = filterOffers(withoutHopByHop(raw, upgrade ? 'Upgrade' : ''));
    const target = targetOf({ method, url: /^[!-~]+$/.test(url) ? url : '/' }, '/base');
    setHost(headers, target.host);
    addForwarded(headers, { remoteAddress: '10.0.0.1', proto: 'http', trusted: true });
    const trace = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    setTraceparent(headers, trace);
    agree('the client’s own list', raw, before);
    agree('read back', readBack(formatHead(`GET ${target.path} HTTP/1.1`, headers)), [
      `GET ${target.path} HTTP/1.1`,
      ...headers,
    ]);
    agree('traceparent', headerValues(headers, 'traceparent'), [trace]);
    agree('hop by hop', hopByHop(raw, headers, upgrade), []);
    agree('forwarded', headerValues(headers, 'x-forwarded-for').at(-1)?.endsWith('10.0.0.1'), true);
    agreed(raw);
  },
};

/**
 * What an upstream may answer to the offers: an agreement is with permessage-deflate, or there is
 * none that can be read.
 */
function agreed(raw: readonly string[]): void {
  const { headers, deflate, opaque } = readAgreement(raw);
  const lines = headerValues(raw, 'sec-websocket-extensions');
  if (deflate !== undefined && !/permessage-deflate/i.test(lines.join())) throw new Error('compression out of nothing');
  if (lines.length === 0 && opaque) throw new Error('extensions out of nothing');
  agree('answer read back', readBack(formatHead('HTTP/1.1 101 x', headers)), ['HTTP/1.1 101 x', ...headers]);
}

/**
 * What `Connection` may name in vain (RFC 9110 §7.6.1 leaves it to the hop): what carries the
 * message or the handshake.
 */
const KEPT = /^(host|content-length|sec-websocket-.*|x-forwarded-.*|forwarded|traceparent|connection|upgrade)$/;

/** Headers of the client's own hop that went on. */
function hopByHop(raw: readonly string[], headers: readonly string[], upgrade: boolean): string[] {
  const named = headerValues(raw, 'connection').flatMap((value) => value.split(','));
  const nominated = named
    .map((name) => name.replace(/^\s+|\s+$/g, '').toLowerCase())
    .filter((name) => !KEPT.test(name));
  const fixed = [
    'proxy-connection',
    'keep-alive',
    'te',
    'transfer-encoding',
    ...(upgrade ? [] : ['connection', 'upgrade']),
  ];
  return [...fixed, ...nominated].filter((name) => name !== '' && headerValues(headers, name).length > 0);
}

/**
 * A line as node:http hands it on: a token, and a value without control characters or blanks around
 * it; else nothing.
 */
function admitted(text: string): string[] {
  const [name, value = ''] = split(text, ':');
  const trimmed = value.replace(/^[ \t]+|[ \t]+$/g, '');
  return /^[!#$%&'*+.^_`|~\w-]+$/.test(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(trimmed) ? [name, trimmed] : [];
}

/** The start line, then name and value of each header, by the plainest reading of RFC 9112; throws when it is no head. */
function readBack(head: string): string[] {
  if (!head.endsWith('\r\n\r\n')) throw new Error('the head does not end');
  const [start = '', ...lines] = head.slice(0, -4).split('\r\n');
  const read = [start];
  for (const text of lines) {
    const [name, value = ''] = split(text, ': ');
    if (/[\r\n\0]/.test(text) || !/^[!#$%&'*+.^_`|~\w-]+$/.test(name))
      throw new Error(`a line of its own: ${JSON.stringify(text)}`);
    read.push(name, value);
  }
  return read;
}

/** Before and after the first separator. */
function split(text: string, by: string): [string, string | undefined] {
  const at = text.indexOf(by);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + by.length)];
}
