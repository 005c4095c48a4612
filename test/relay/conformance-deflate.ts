// Conformance cases, RFC 7692: permessage-deflate in every agreement, fragmented, empty, broken, large, and many in a row.
import { closePayload } from '../support/raw-frames.ts';
import {
  type Agreement,
  BINARY,
  bytewise,
  type Case,
  CLOSE,
  CONTINUATION,
  cutAt,
  deflater,
  type MakeFrame,
  PING,
  prose,
  type Step,
  TRACKED,
} from './conformance-case.ts';

interface Kind extends Agreement {
  readonly name: string;
  /**
   * Of the backend's messages; the client never takes its context over (docs/transparency.md,
   * forgetful client).
   */
  readonly takeover: boolean;
  readonly bits: number;
}

const kind = (takeover: boolean, clientTakeover: boolean, bits?: number): Kind => {
  const line = [
    'permessage-deflate',
    ...(takeover ? [] : ['server_no_context_takeover']),
    ...(clientTakeover ? [] : ['client_no_context_takeover']),
    ...(bits === undefined ? [] : [`server_max_window_bits=${bits}`, `client_max_window_bits=${bits}`]),
  ].join('; ');
  return {
    name: line.replace('permessage-deflate', 'deflate'),
    offer: 'permessage-deflate; client_max_window_bits',
    server: {
      threshold: 0,
      serverNoContextTakeover: !takeover,
      clientNoContextTakeover: !clientTakeover,
      ...(bits !== undefined && { serverMaxWindowBits: bits, clientMaxWindowBits: bits }),
    },
    answer: line,
    takeover,
    bits: bits ?? 15,
  };
};

const KINDS = [true, false].flatMap((takeover) =>
  [true, false].flatMap((clientTakeover) => [undefined, 9, 12].map((bits) => kind(takeover, clientTakeover, bits))),
);
const PLAIN = KINDS[0]!;

/** The agreement with context takeover on both sides and the full window. */
export const DEFLATE: Agreement = PLAIN;

/** `steps` get a compressor that keeps the agreement. */
function deflated(
  name: string,
  steps: (f: MakeFrame, z: (text: string | Buffer) => Buffer, fromClient: boolean) => Step[],
  agreement: Kind = PLAIN,
): Case {
  return {
    name: agreement === PLAIN ? `deflate: ${name}` : `${agreement.name}: ${name}`,
    deflate: agreement,
    steps: (f, fromClient) => steps(f, deflater(!fromClient && agreement.takeover, agreement.bits), fromClient),
  };
}

const C = { rsv1: true } as const;

/**
 * The message and its echo. While ws inflates, further chunks wait in its Receiver, and after an
 * error in one of them Node's Writable hands it the next one all the same: what ws makes of broken
 * frames then depends on when the thread pool answers.
 */
const alone = (message: Buffer): Step[] => [message, { frames: 1 }];

const agreements = KINDS.flatMap((each) => [
  deflated(
    '50 messages in a row',
    (f, z) => Array.from({ length: 50 }, (_, i) => f(z(`${TRACKED.replace('evt_1', `evt_${i}`)} ${prose(300)}`), C)),
    each,
  ),
  deflated('plain ones in between', (f, z) => [f(z(TRACKED), C), f('plain'), f(z(TRACKED), C), f(z('x'), C)], each),
]);

const garbage = Buffer.from('ffffffffffffffffffff', 'hex');

export const DEFLATE_CASES: readonly Case[] = [
  ...agreements,
  deflated('an empty message', (f, z) => [f(z(''), C), f(Buffer.from([0]), C)]),
  deflated('a message of no bytes at all', (f, z) => [f('', C), f(z('after'), C)]),
  deflated('binary', (f, z) => [f(z(Buffer.alloc(500, 7)), { ...C, opcode: BINARY })]),
  deflated('1 MiB', (f, z) => [f(z(prose(1 << 20)), C), f(z(TRACKED), C)]),
  deflated('1 MiB of zeros', (f, z) => [f(z(Buffer.alloc(1 << 20)), { ...C, opcode: BINARY })]),
  deflated('byte by byte', (f, z) => bytewise(f(z(TRACKED), C))),
  ...[1, 2, 4, 6, 9, 20].map((at) => deflated(`cut behind byte ${at}`, (f, z) => cutAt(f(z(TRACKED), C), at))),
  deflated('in fragments', (f, z) => {
    const data = z(prose(2000));
    return [
      f(data.subarray(0, 50), { ...C, fin: false }),
      f('p', { opcode: PING }),
      f(data.subarray(50, 51), { opcode: CONTINUATION, fin: false }),
      f('', { opcode: CONTINUATION, fin: false }),
      f(data.subarray(51), { opcode: CONTINUATION }),
      f(z(TRACKED), C),
    ];
  }),
  deflated('an empty first fragment', (f, z) => [f('', { ...C, fin: false }), f(z(TRACKED), { opcode: CONTINUATION })]),
  deflated('an empty last fragment', (f, z) => [f(z(TRACKED), { ...C, fin: false }), f('', { opcode: CONTINUATION })]),
  deflated('RSV1 on a continuation', (f, z) => [
    ...alone(f(z(TRACKED), C)),
    f('x', { fin: false }),
    f('y', { ...C, opcode: CONTINUATION }),
    f('z'),
  ]),
  deflated('RSV1 on a ping', (f) => [f('x', { ...C, opcode: PING }), f('z')]),
  deflated('RSV1 on a Close', (f) => [f(closePayload(1000), { ...C, opcode: CLOSE }), f('z')]),
  deflated('RSV2 with it', (f, z) => [...alone(f(z(TRACKED), C)), f(z('x'), { ...C, reserved: 0x20 }), f('z')]),
  deflated('garbage', (f) => [f(garbage, C), f('z')]),
  deflated('garbage behind a message', (f, z) => [...alone(f(z(TRACKED), C)), f(garbage, C), f(z('x'), C)]),
  deflated('garbage in fragments', (f) => [f(garbage, { ...C, fin: false }), f(garbage, { opcode: CONTINUATION })]),
  deflated('half a message', (f, z) => [f(z(prose(2000)).subarray(0, 100), C), f('z')]),
  deflated('a far reference into nothing', (f) => [f(deflater(true)(prose(10)).subarray(1), C), f('z')]),
  deflated('a stored block', (f) => [f(Buffer.from('00050 0faff68656c6c6f00'.replace(' ', ''), 'hex'), C)]),
  deflated('a last block (RFC 7692 §7.2.3.4)', (f, z) => [f(Buffer.from('f348cdc9c9070000', 'hex'), C), f(z('x'), C)]),
  deflated('not UTF-8 when inflated', (f, z) => [f(z(Buffer.from('eda080', 'hex')), C), f('z')]),
];
