// Conformance cases, RFC 6455 §5.2, §5.3, §5.5: lengths, cuts, masks, reserved bits and opcodes, pings and pongs.
import { MASK } from '../support/raw-frames.ts';
import {
  BINARY,
  bytewise,
  type Case,
  CLOSE,
  CONTINUATION,
  cutAt,
  PING,
  PONG,
  prose,
  TRACKED,
} from './conformance-case.ts';

const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 131_072, 1 << 20];
const KINDS = [
  ['text', 1],
  ['binary', BINARY],
] as const;

const lengths: Case[] = KINDS.flatMap(([kind, opcode]) =>
  LENGTHS.flatMap((length): Case[] => {
    const whole: Case = {
      name: `${kind} of ${length} bytes`,
      steps: (frame) => [frame(prose(length), { opcode })],
    };
    const slow: Case = {
      name: `${kind} of ${length} bytes, byte by byte`,
      steps: (frame) => bytewise(frame(prose(length), { opcode })),
    };
    return length <= 127 ? [whole, slow] : [whole];
  }),
);

const cuts: Case[] = [
  [5, 6],
  [126, 8],
  [65_536, 14],
].flatMap(([length, header]) =>
  Array.from({ length: header! }, (_, i): Case => {
    return {
      name: `${length} bytes cut behind byte ${i + 1}`,
      steps: (frame) => cutAt(frame(prose(length!)), i + 1),
    };
  }),
);

const sizes: Case[] = [
  { name: '5 bytes, length in 16 bits', steps: (frame) => [frame('hello', { lengthBits: 16 })] },
  { name: '5 bytes, length in 64 bits', steps: (frame) => [frame('hello', { lengthBits: 64 })] },
  { name: '300 bytes, length in 64 bits', steps: (frame) => [frame(prose(300), { lengthBits: 64 })] },
  { name: 'a ping with its length in 16 bits', steps: (frame) => [frame('p', { opcode: PING, lengthBits: 16 })] },
  ...[
    ['the highest bit of the length', 0x80],
    ['a length beyond 2^53', 0x7f],
  ].map(
    ([name, high]): Case => ({
      name: name as string,
      steps: (frame) => {
        const bytes = frame('hello', { lengthBits: 64 });
        bytes[2] = high as number;
        return [frame(TRACKED), bytes];
      },
    }),
  ),
  {
    name: 'three messages in one write',
    steps: (frame) => [Buffer.concat([frame('one'), frame(TRACKED), frame('three', { opcode: BINARY })])],
  },
  {
    name: 'three messages cut in the second',
    steps: (frame) => cutAt(Buffer.concat([frame('one'), frame(TRACKED), frame('three', { opcode: BINARY })]), 30),
  },
];

const masks: Case[] = [
  {
    name: 'the wrong masking',
    steps: (frame, fromClient) => [frame(TRACKED), frame('x', { mask: fromClient ? undefined : MASK }), frame('after')],
  },
  {
    name: 'the wrong masking of a ping',
    steps: (frame, fromClient) => [frame('x', { opcode: PING, mask: fromClient ? undefined : MASK }), frame('after')],
  },
  ...(
    [
      ['zero', [0, 0, 0, 0]],
      ['one byte', [0, 0, 0, 1]],
      ['all ones', [255, 255, 255, 255]],
    ] as const
  ).map(
    ([name, key]): Case => ({
      name: `mask: ${name}`,
      steps: (frame, fromClient) => [frame(TRACKED, fromClient ? { mask: Buffer.from(key) } : {})],
    }),
  ),
];

const bits: Case[] = [0x40, 0x20, 0x10, 0x60, 0x30, 0x70].flatMap((reserved): Case[] => {
  const hex = reserved.toString(16);
  return [
    { name: `reserved bits ${hex} on a text`, steps: (f) => [f(TRACKED), f('x', { reserved }), f('after')] },
    { name: `reserved bits ${hex} on a ping`, steps: (f) => [f('x', { opcode: PING, reserved }), f('after')] },
    {
      name: `reserved bits ${hex} on a continuation`,
      steps: (f) => [f('x', { fin: false }), f('y', { opcode: CONTINUATION, reserved }), f('after')],
    },
  ];
});

const opcodes: Case[] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map(
  (opcode): Case => ({
    name: `opcode ${opcode}`,
    steps: (f) => [f(TRACKED), Buffer.concat([f('x', { opcode }), f('after')]), f('p', { opcode: PING })],
  }),
);

const controls: Case[] = [
  ...[0, 1, 13, 14, 15, 124, 125, 126, 127, 65_536].flatMap((length): Case[] => [
    { name: `a ping of ${length} bytes`, steps: (f) => [f(prose(length), { opcode: PING }), f(TRACKED)] },
    { name: `an unsolicited pong of ${length} bytes`, steps: (f) => [f(prose(length), { opcode: PONG }), f(TRACKED)] },
  ]),
  { name: 'a ping byte by byte', steps: (f) => bytewise(f('slow ping', { opcode: PING })) },
  { name: 'a pong byte by byte', steps: (f) => bytewise(f('fourteen bytes', { opcode: PONG })) },
  {
    name: 'ten pings in one write',
    steps: (f) => [Buffer.concat(Array.from({ length: 10 }, (_, i) => f(`p${i}`, { opcode: PING })))],
  },
  {
    name: 'pings and pongs between fragments',
    steps: (f) => [
      f('a', { fin: false }),
      f('1', { opcode: PING }),
      f('b', { opcode: CONTINUATION, fin: false }),
      f('2', { opcode: PONG }),
      f('c', { opcode: CONTINUATION }),
    ],
  },
  ...[CLOSE, PING, PONG].map(
    (opcode): Case => ({
      name: `a fragmented control frame ${opcode}`,
      steps: (f) => [f(TRACKED), f('', { opcode, fin: false }), f('b', { opcode: CONTINUATION }), f('after')],
    }),
  ),
];

export const FRAME_CASES: readonly Case[] = [...lengths, ...cuts, ...sizes, ...masks, ...bits, ...opcodes, ...controls];
