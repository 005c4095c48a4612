// The differences from a direct connection, one function each: what a message would be on a direct connection → what it is through Ackspan.

import { readCompleteFrames } from '../support/raw-frames.ts';

/** A message head in latin1, taken apart, and what follows it. */
export interface Message {
  start: string;
  headers: [string, string][];
  body: string;
}

/** Requests and answers are sequences of messages. `host` is what the client asked for. */
export interface Exchange {
  messages: Message[];
  readonly host: string;
}

export function parse(text: string): Message[] {
  const messages: Message[] = [];
  let rest = text;
  while (rest.length > 0) {
    const end = rest.indexOf('\r\n\r\n');
    if (end < 0) throw new Error(`no head in ${JSON.stringify(rest)}`);
    const [, empty, first] = /^((?:\r\n)*)(.*)/.exec(rest)!;
    const start = empty! + first!;
    const lines = rest
      .slice(start.length + 2, end)
      .split('\r\n')
      .filter((line) => line !== '');
    const headers = lines.map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1)];
    });
    rest = rest.slice(end + 4);
    // An interim answer, or a request without a body, has none; anything else takes what follows up
    // to the next head.
    const next = /(?:^|(?<=.))(?:HTTP\/1\.[01] \d{3}|(?:GET|POST|PUT|HEAD|DELETE|OPTIONS) \S+ HTTP)/s.exec(rest);
    const body = rest.slice(0, next?.index ?? rest.length);
    messages.push({ start, headers, body });
    rest = rest.slice(body.length);
  }
  return messages;
}

export function format(messages: readonly Message[]): string {
  return messages
    .map(
      ({ start, headers, body }) =>
        `${[start, ...headers.map(([name, value]) => `${name}:${value}`)].join('\r\n')}\r\n\r\n${body}`,
    )
    .join('');
}

const is = (name: string) => (header: readonly [string, string]) => header[0].toLowerCase() === name;
const without = (message: Message, ...names: string[]) => {
  message.headers = message.headers.filter(([name]) => !names.includes(name.toLowerCase()));
};
const firstOf = (message: Message, name: string) => message.headers.find(is(name))?.[1].trim();
/** Moves a header to the end. */
const late = (message: Message, name: string) => {
  const found = message.headers.filter(is(name));
  without(message, name);
  message.headers.push(...found);
};

function eachMessage(change: (message: Message, exchange: Exchange) => void) {
  return (exchange: Exchange) => {
    for (const message of exchange.messages) change(message, exchange);
  };
}

/** Chunks with their sizes in plain lower-case hex and nothing else, then the trailers. */
function plainChunks(body: string): string {
  let out = '';
  let rest = body;
  for (;;) {
    const line = rest.slice(0, rest.indexOf('\r\n'));
    const size = Number.parseInt(line, 16);
    rest = rest.slice(line.length + 2);
    out += `${size.toString(16)}\r\n`;
    if (size === 0) return out + rest;
    out += rest.slice(0, size + 2);
    rest = rest.slice(size + 2);
  }
}

const isFinal = ({ start }: Message) => !/^HTTP\/1\.1 1(?!01)/.test(start);

/** Where the name of a difference says what happens, in the order in which they are applied. */
export const REQUEST_DIFFERENCES = {
  /** Lines before the request line are dropped. */
  'leading empty line': (exchange) => {
    exchange.messages[0]!.start = exchange.messages[0]!.start.replace(/^\r\n/, '');
  },
  'absolute target': eachMessage((message) => {
    const [, scheme, host, path] = /^\S+ (http|ws):\/\/([^/]*)(\S*)/.exec(message.start)!;
    message.start = message.start.replace(`${scheme}://${host}`, path === '' ? '/' : '');
    message.headers.find(is('host'))![1] = ` ${host}`;
  }),
  'opt-in parameters': eachMessage((message) => {
    message.start = message.start.replace('ackspan=1&', '');
  }),
  'nominated headers': eachMessage((message) => {
    const named = firstOf(message, 'connection')!
      .split(',')
      .map((token) => token.trim().toLowerCase());
    message.headers = message.headers.filter(
      ([name]) => !named.includes(name.toLowerCase()) || /^(?:connection|upgrade|x-forwarded-.*|host)$/i.test(name),
    );
  }),
  'hop-by-hop headers': eachMessage((message) => without(message, 'keep-alive', 'proxy-connection', 'te')),
  'ignored upgrade': eachMessage((message) => without(message, 'upgrade')),
  'upgrade alone': eachMessage((message) => {
    const connection = message.headers.filter(is('connection'));
    for (const extra of connection.slice(1)) message.headers.splice(message.headers.indexOf(extra), 1);
    connection[0]![1] = ' Upgrade';
  }),
  'extension offers': eachMessage((message) => {
    const offer = message.headers.find(is('sec-websocket-extensions'))!;
    offer[1] = ` ${offer[1]
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one.startsWith('permessage-deflate'))
      .join(', ')}`;
    if (offer[1] === ' ') without(message, 'sec-websocket-extensions');
  }),
  'no offer for opted-in clients': eachMessage((message) => without(message, 'sec-websocket-extensions')),
  'grouped lines': eachMessage((message) => {
    const groups = new Map<string, [string, string][]>();
    for (const [name, value] of message.headers) {
      const group = groups.get(name.toLowerCase());
      if (group === undefined) groups.set(name.toLowerCase(), [[name, value]]);
      else group.push([group[0]![0], value]);
    }
    message.headers = [...groups.values()].flat();
  }),
  'joined cookies': eachMessage((message) => {
    const cookies = message.headers.filter(is('cookie'));
    cookies[0]![1] = ` ${cookies.map(([, value]) => value.trim()).join('; ')}`;
    for (const other of cookies.slice(1)) message.headers.splice(message.headers.indexOf(other), 1);
  }),
  spacing: eachMessage((message) => {
    message.start = message.start.replace(/ +/g, ' ');
    for (const header of message.headers) header[1] = ` ${header[1].trim()}`;
  }),
  'version 1.1': eachMessage((message) => {
    message.start = message.start.replace('HTTP/1.0', 'HTTP/1.1');
  }),
  'no expectation in HTTP/1.0': eachMessage((message) => without(message, 'expect')),
  forwarded: eachMessage((message, { host }) => {
    without(message, 'forwarded', 'x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host');
    message.headers.push(['X-Forwarded-For', ' 127.0.0.1'], ['X-Forwarded-Proto', ' http']);
    if (host !== '') message.headers.push(['X-Forwarded-Host', ` ${host}`]);
  }),
  'TE: trailers': eachMessage((message) => message.headers.push(['TE', ' trailers'])),
  'late framing': eachMessage((message) => {
    late(message, 'transfer-encoding');
    late(message, 'trailer');
  }),
  'plain codings': eachMessage((message) => {
    const codings = message.headers.find(is('transfer-encoding'))!;
    codings[1] = ` ${codings[1]
      .split(',')
      .map((coding) => coding.trim().toLowerCase())
      .filter((coding) => coding !== '')
      .join(', ')}`;
  }),
  'late expectation': eachMessage((message) => late(message, 'expect')),
  'added Host': eachMessage((message) => message.headers.push(['Host', ' UPSTREAM'])),
  'plain chunks': eachMessage((message) => {
    message.body = plainChunks(message.body);
  }),
  'own Connection': eachMessage((message) => {
    without(message, 'connection');
    message.headers.push(['Connection', ' keep-alive']);
  }),
  confirmations: eachMessage((message) => {
    const { frames } = readCompleteFrames(Buffer.from(message.body, 'latin1'));
    const others = frames.filter(({ payload }) => !payload.includes('event_confirmation'));
    message.body = Buffer.concat(others.map(({ raw }) => raw)).toString('latin1');
  }),
  refused: (exchange) => {
    exchange.messages.length = 0;
  },
} satisfies Record<string, (exchange: Exchange) => void>;

export const RESPONSE_DIFFERENCES = {
  'version 1.1': eachMessage((message) => {
    message.start = message.start.replace('HTTP/1.0', 'HTTP/1.1');
  }),
  'interim answers withheld': (exchange) => {
    exchange.messages = exchange.messages.filter(isFinal);
  },
  'nominated headers': eachMessage((message) => {
    const named = (firstOf(message, 'connection') ?? '').split(',').map((token) => token.trim().toLowerCase());
    message.headers = message.headers.filter(
      ([name]) => !named.includes(name.toLowerCase()) || /^connection$/i.test(name),
    );
  }),
  'hop-by-hop headers': eachMessage((message) => without(message, 'keep-alive', 'proxy-connection', 'upgrade', 'te')),
  'no Trailer without chunks': eachMessage((message) => without(message, 'trailer')),
  spacing: eachMessage((message) => {
    message.start = message.start.replace(/^HTTP\/1\.1 \d{3}$/, '$& ');
    for (const header of message.headers) header[1] = ` ${header[1].trim()}`;
  }),
  'no identity': eachMessage((message) => without(message, 'transfer-encoding')),
  'no coding without a body': eachMessage((message) => without(message, 'transfer-encoding')),
  'surplus dropped': eachMessage((message) => {
    const length = message.start.includes(' 204 ') ? '0' : (firstOf(message, 'content-length') ?? '0');
    message.body = message.body.slice(0, Number(length));
  }),
  'chunked for lack of a length': eachMessage((message) => {
    message.headers.push(['Transfer-Encoding', ' chunked']);
    message.body = `${message.body.length.toString(16)}\r\n${message.body}\r\n0\r\n\r\n`;
  }),
  'plain chunks': eachMessage((message) => {
    message.body = plainChunks(message.body);
  }),
  'no chunks': eachMessage((message) => {
    without(message, 'transfer-encoding');
    const data = plainChunks(message.body);
    message.body = [...data.matchAll(/[0-9a-f]+\r\n(.*?)\r\n/gs)].map(([, text]) => text).join('');
  }),
  'own Connection': eachMessage((message) => {
    if (!isFinal(message)) return;
    without(message, 'connection');
    message.headers.push(['Connection', ' keep-alive'], ['Keep-Alive', ' timeout=620']);
    late(message, 'transfer-encoding');
  }),
  'other codings first': eachMessage((message) => {
    late(message, 'connection');
    late(message, 'keep-alive');
  }),
  'Connection: close': eachMessage((message) => {
    if (!isFinal(message)) return;
    const before = message.headers.find(is('connection'));
    const value = message.start.includes(' 426 ') ? ' close, Upgrade' : ' close';
    if (before === undefined) message.headers.push(['Connection', value]);
    else before[1] = value;
    late(message, 'transfer-encoding');
  }),
  'Connection: Upgrade': eachMessage((message) => {
    message.headers.find(is('connection'))![1] = ' Upgrade';
  }),
  'forgetful client': eachMessage((message) => {
    message.headers.find(is('sec-websocket-extensions'))![1] += '; client_no_context_takeover';
  }),
} satisfies Record<string, (exchange: Exchange) => void>;

export type RequestDifference = keyof typeof REQUEST_DIFFERENCES;
export type ResponseDifference = keyof typeof RESPONSE_DIFFERENCES | 'refused' | 'pings' | 'welcome';

/** Applies the named ones, in the order of the tables. */
export function through(
  text: string,
  host: string,
  names: readonly string[],
  table: Record<string, (e: Exchange) => void>,
): string {
  const exchange: Exchange = { messages: parse(text), host };
  for (const [name, change] of Object.entries(table)) if (names.includes(name)) change(exchange);
  return format(exchange.messages);
}
