// Test support: random conversations between an upstream and a client, as bytes, with what either end must see.
import fc from 'fast-check';
import { BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT } from '../../src/relay/frames.ts';
import { clientFrame, closePayload, createDeflater, frame } from './raw-frames.ts';

/** One message or control frame, or (client only) a moment at which the client answers pings. */
export type Item =
  | { readonly kind: 'message'; readonly message: MessageShape }
  | { readonly kind: 'control'; readonly opcode: number; readonly size: number }
  | { readonly kind: 'answer' };

export interface MessageShape {
  readonly opcode: number;
  readonly content: 'text' | 'json' | 'confirmation';
  readonly size: number;
  readonly compressed: boolean;
  /** Where to cut, as shares of the payload. */
  readonly cuts: readonly number[];
  /** Items between the fragments: at most one per cut. */
  readonly between: readonly ('nothing' | 'ping' | 'pong' | 'answer')[];
}

export interface Conversation {
  readonly deflate: 'none' | 'takeover' | 'standalone';
  readonly down: readonly Item[];
  readonly up: readonly Item[];
  /** The pings that the client answers when it does. */
  readonly answers: 'all' | 'latest' | 'ours';
  /** Largest chunk; 1 = byte by byte. */
  readonly chunk: number;
  /** Seed of chunk sizes and of the order of senders. */
  readonly seed: number;
  /** Small high-water marks and clients that stall now and then. */
  readonly pressure: boolean;
}

/** Client frames that pass or are cut together. */
export interface Group {
  readonly confirmation: boolean;
  /** The messages in the spelling of `decodeWithWs`. */
  readonly read: string;
  /** A frame that passes on came between its fragments. */
  interrupted: boolean;
}

/** One frame, or the moment to answer. */
export type Unit = { readonly bytes: Buffer; readonly group: Group | undefined; readonly last: boolean } | 'answer';

export interface Encoded {
  readonly units: Unit[];
  /** The messages in the spelling of `RecordingTap`: `1:text`, `2~{"binary":1}`, `3!binary`. */
  readonly tapped: string[];
  readonly groups: Group[];
}

const sizes = fc.oneof(
  { weight: 60, arbitrary: fc.integer({ min: 0, max: 300 }) },
  { weight: 15, arbitrary: fc.constantFrom(0, 1, 125, 126, 127, 128) },
  { weight: 8, arbitrary: fc.integer({ min: 300, max: 6000 }) },
  { weight: 3, arbitrary: fc.constantFrom(4095, 4096, 4097) },
  { weight: 1, arbitrary: fc.constantFrom(65_535, 65_536, 65_537) },
);

const shape: fc.Arbitrary<MessageShape> = fc.record({
  opcode: fc.constantFrom(TEXT, TEXT, TEXT, BINARY),
  content: fc.constantFrom('text', 'json', 'confirmation'),
  size: sizes,
  compressed: fc.boolean(),
  cuts: fc.oneof(
    { weight: 3, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 4 }) },
  ),
  between: fc.array(fc.constantFrom('nothing', 'nothing', 'ping', 'pong', 'answer'), { maxLength: 4 }),
});

const control = fc.record({
  kind: fc.constant('control' as const),
  opcode: fc.constantFrom(PING, PING, PONG),
  size: fc.oneof(fc.integer({ min: 0, max: 13 }), fc.constantFrom(14, 124, 125)),
});

const message = fc.record({ kind: fc.constant('message' as const), message: shape });
const answer = fc.constant({ kind: 'answer' as const });

/** Conversations of up to about a dozen items either way. */
export const conversations: fc.Arbitrary<Conversation> = fc.record({
  deflate: fc.constantFrom('none', 'none', 'takeover', 'standalone'),
  down: fc.array(fc.oneof({ weight: 5, arbitrary: message }, { weight: 2, arbitrary: control }), { maxLength: 12 }),
  up: fc.array(
    fc.oneof({ weight: 4, arbitrary: message }, { weight: 1, arbitrary: control }, { weight: 3, arbitrary: answer }),
    { maxLength: 12 },
  ),
  answers: fc.constantFrom('all', 'latest', 'ours'),
  chunk: fc.constantFrom(1, 3, 20, 200, 3000, 65_536),
  seed: fc.integer(),
  pressure: fc.boolean(),
});

/** Numbers from 0 to below 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const FILLER = 'Moving to region B saves 12.5 %, a month. 0123456789 {"nested":["value",true]} ';

function contentOf({ content, size }: MessageShape, serial: number): Buffer {
  if (content === 'text') return Buffer.from(`${serial} ${FILLER.repeat(size / 40 + 1)}`).subarray(0, size);
  const open =
    content === 'json' ? `{"type":"agent_thinking","n":${serial},"text":"` : '\n{"type":"event_confirmation","x":"';
  const body = FILLER.replaceAll('"', '').repeat(size / 40 + 1);
  const text = `${open}${body}`.slice(0, Math.max(size - 2, open.length));
  return Buffer.from(`${text}"}`);
}

/** Largest payload, on the wire and inflated, that the relay takes for a confirmation. */
const CONFIRMATION_BYTES = 4096;

/** Turns one direction of a conversation into frames. */
export async function encode(
  items: readonly Item[],
  conversation: Conversation,
  fromClient: boolean,
): Promise<Encoded> {
  const { deflate } = conversation;
  const pack = deflate === 'none' ? undefined : createDeflater(fromClient || deflate === 'standalone');
  const random = randomFrom(conversation.seed ^ (fromClient ? 1 : 2));
  const wrap = (payload: Buffer, options: { opcode: number; fin?: boolean; rsv1?: boolean }) =>
    fromClient
      ? clientFrame(payload, { ...options, mask: Buffer.from([0, 0, 0, 0].map(() => random() * 256)) })
      : frame(payload, options);
  // A client that guesses the payload of a ping on its way may prove too much, but only of its own
  // deliveries.
  const word = fromClient ? 'pulse' : 'beat';
  const controlUnit = (opcode: number, size: number, serial: number): Unit => ({
    bytes: wrap(Buffer.from(`${serial}-${word.repeat(32)}`).subarray(0, size), { opcode }),
    group: undefined,
    last: true,
  });
  const result: Encoded = { units: [], tapped: [], groups: [] };
  let ordinal = 0;
  for (const [serial, item] of items.entries()) {
    if (item.kind === 'answer') result.units.push('answer');
    else if (item.kind === 'control') result.units.push(controlUnit(item.opcode, item.size, serial));
    else {
      ordinal++;
      const { message } = item;
      const plain = contentOf(message, serial);
      const compressed = message.compressed && pack !== undefined;
      const payload = compressed ? await pack(plain) : plain;
      const text = message.opcode === TEXT;
      const confirmation =
        fromClient &&
        message.content === 'confirmation' &&
        payload.length <= CONFIRMATION_BYTES &&
        plain.length <= CONFIRMATION_BYTES;
      const read = `${text ? 'text' : 'binary'}:${plain.toString('base64')}`;
      const group: Group = { confirmation, read, interrupted: false };
      result.groups.push(group);
      const told = plain.toString('latin1');
      const json = /^[ \t\r\n]*[{[]/.test(told);
      result.tapped.push(text ? `${ordinal}:${told}` : json ? `${ordinal}~${told}` : `${ordinal}!binary`);
      const cuts = message.cuts.map((cut) => Math.round(cut * payload.length)).sort((a, b) => a - b);
      const ends = [...cuts, payload.length];
      let start = 0;
      for (const [index, end] of ends.entries()) {
        const last = index === ends.length - 1;
        const bytes = wrap(payload.subarray(start, end), {
          opcode: index === 0 ? message.opcode : CONTINUATION,
          fin: last,
          rsv1: compressed && index === 0,
        });
        result.units.push({ bytes, group, last });
        start = end;
        const between = last ? 'nothing' : (message.between[index] ?? 'nothing');
        if (between === 'answer' && fromClient) result.units.push('answer');
        else if (between === 'ping' || between === 'pong') {
          result.units.push(controlUnit(between === 'ping' ? PING : PONG, 9, serial));
        }
      }
    }
  }
  return result;
}

/** The Close frame that ends every conversation. */
export function closing(fromClient: boolean): Buffer {
  return (fromClient ? clientFrame : frame)(closePayload(1000), { opcode: CLOSE });
}
