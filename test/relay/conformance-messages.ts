// Conformance cases, RFC 6455 §5.4, §7 and §8.1: fragmentation, UTF-8, and every way to close.
import { closePayload } from '../support/raw-frames.ts';
import {
  BINARY,
  bytewise,
  type Case,
  CLOSE,
  CONTINUATION,
  cutAt,
  type MakeFrame,
  PING,
  prose,
  TRACKED,
} from './conformance-case.ts';

/** A message in these pieces. */
function pieces(frame: MakeFrame, parts: readonly (string | Buffer)[], opcode = 1): Buffer[] {
  return parts.map((part, i) => frame(part, { opcode: i === 0 ? opcode : CONTINUATION, fin: i === parts.length - 1 }));
}

const fragmented = (name: string, parts: readonly (string | Buffer)[], opcode = 1): Case[] => [
  { name, steps: (f) => pieces(f, parts, opcode) },
  { name: `${name}, in one write`, steps: (f) => [Buffer.concat(pieces(f, parts, opcode)), f(TRACKED)] },
];

const fragments: Case[] = [
  ...fragmented('two fragments', [TRACKED.slice(0, 20), TRACKED.slice(20)]),
  ...fragmented('two binary fragments', ['one', 'two'], BINARY),
  ...fragmented('an empty first fragment', ['', 'rest']),
  ...fragmented('an empty fragment in the middle', ['one', '', 'two']),
  ...fragmented('an empty last fragment', ['all', '']),
  ...fragmented('nothing but empty fragments', ['', '', '']),
  ...fragmented(
    '64 fragments',
    Array.from({ length: 64 }, (_, i) => `${i},`),
  ),
  ...fragmented('large fragments', [prose(70_000), prose(3), prose(130_000)]),
  { name: 'fragments byte by byte', steps: (f) => bytewise(Buffer.concat(pieces(f, ['one', '', 'three']))) },
  { name: 'a continuation without a start', steps: (f) => [f(TRACKED), f('x', { opcode: CONTINUATION }), f('after')] },
  {
    name: 'an open continuation without a start',
    steps: (f) => [f('x', { opcode: CONTINUATION, fin: false }), f('y')],
  },
  {
    name: 'a continuation behind a last fragment',
    steps: (f) => [...pieces(f, ['a', 'b']), f('c', { opcode: CONTINUATION })],
  },
  {
    name: 'a new text inside a message',
    steps: (f) => [f('a', { fin: false }), f('b'), f('c', { opcode: CONTINUATION })],
  },
  { name: 'a new binary inside a message', steps: (f) => [f('a', { fin: false }), f('b', { opcode: BINARY })] },
  {
    name: 'a Close inside a message',
    steps: (f) => [f('a', { fin: false }), f(closePayload(1000), { opcode: CLOSE })],
    ends: true,
  },
];

const INVALID: readonly [string, string][] = [
  ['a lone continuation byte', '80'],
  ['an overlong slash', 'c0af'],
  ['a surrogate', 'eda080'],
  ['beyond U+10FFFF', 'f4908080'],
  ['five bytes', 'f888808080'],
  ['ff', 'ff'],
  ['an end too early', 'e282'],
];

const utf8: Case[] = [
  { name: 'UTF-8 of every length', steps: (f) => [f('a ü € 𝄞 \u{10ffff} \ufffe \0')] },
  {
    name: 'a character split across frames',
    steps: (f) => pieces(f, [Buffer.from('f09d', 'hex'), Buffer.from('849e', 'hex')]),
  },
  {
    name: 'a character split into bytes, with a ping between',
    steps: (f) => {
      const parts = pieces(f, bytewise(Buffer.from('€', 'utf8')));
      return [parts[0]!, f('p', { opcode: PING }), ...parts.slice(1)];
    },
  },
  ...INVALID.flatMap(([name, hex]): Case[] => {
    const bad = Buffer.from(hex, 'hex');
    return [
      { name: `not UTF-8: ${name}`, steps: (f) => [f(TRACKED), f(bad), f('after')] },
      { name: `not UTF-8 at the end: ${name}`, steps: (f) => [f(Buffer.concat([Buffer.from(TRACKED), bad])), f('x')] },
      { name: `not UTF-8 in the second frame: ${name}`, steps: (f) => [...pieces(f, ['fine', bad, 'fine']), f('x')] },
      { name: `binary, not UTF-8: ${name}`, steps: (f) => [f(bad, { opcode: BINARY })] },
    ];
  }),
];

const closes = (name: string, payload: Buffer, more: (f: MakeFrame) => Buffer[] = () => []): Case => ({
  name,
  steps: (f) => [f(TRACKED), { frames: 1 }, f(payload, { opcode: CLOSE }), ...more(f)],
  ends: true,
});

const LEGAL = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
const ILLEGAL = [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];

const closing: Case[] = [
  closes('a Close without a code', Buffer.alloc(0)),
  ...LEGAL.map((code) => closes(`Close ${code}`, closePayload(code, 'why'))),
  ...ILLEGAL.map((code) => closes(`illegal Close ${code}`, closePayload(code, 'why'))),
  closes('a Close of one byte', Buffer.from([3])),
  closes('a reason of 123 bytes', closePayload(1000, 'r'.repeat(123))),
  closes('a reason of 124 bytes', closePayload(1000, 'r'.repeat(124))),
  closes('a reason that is not UTF-8', Buffer.concat([closePayload(1000), Buffer.from('eda080', 'hex')])),
  closes('a reason of many bytes a letter', closePayload(4001, '𝄞€ü')),
  closes('a Close and then data', closePayload(1000), (f) => [f('late'), f('p', { opcode: PING })]),
  closes('a Close and then rubbish', closePayload(1000), (f) => [f('late', { reserved: 0x70 })]),
  closes('two Closes', closePayload(1000), (f) => [f(closePayload(1001), { opcode: CLOSE })]),
  {
    name: 'a Close right behind a message',
    steps: (f) => [Buffer.concat([f(TRACKED), f(closePayload(1000, 'x'), { opcode: CLOSE })])],
    ends: true,
  },
  {
    name: 'a Close at once',
    steps: (f) => [f(closePayload(1001), { opcode: CLOSE })],
    ends: true,
  },
  {
    name: 'a Close byte by byte',
    steps: (f) => bytewise(f(closePayload(4000, 'slow'), { opcode: CLOSE })),
    ends: true,
  },
  {
    name: 'a Close, then data in the same write',
    steps: (f) => [Buffer.concat([f(closePayload(1000), { opcode: CLOSE }), f('late')])],
    ends: true,
  },
];

const ends: Case[] = (['fin', 'rst'] as const).flatMap((end): Case[] => [
  { name: `${end} at once`, steps: (f) => [f(TRACKED), { frames: 1 }, end], ends: true },
  { name: `${end} inside a header`, steps: (f) => [f(TRACKED), { frames: 1 }, f('x').subarray(0, 1), end], ends: true },
  {
    name: `${end} inside a payload`,
    steps: (f) => [f(TRACKED), { frames: 1 }, cutAt(f(prose(200)), 100)[0]!, end],
    ends: true,
  },
  {
    name: `${end} inside a message`,
    steps: (f) => [f(TRACKED), { frames: 1 }, f('x', { fin: false }), end],
    ends: true,
  },
  {
    name: `${end} behind a Close frame`,
    steps: (f) => [f(TRACKED), { frames: 1 }, f(closePayload(1000), { opcode: CLOSE }), { frames: 2 }, end],
    ends: true,
  },
]);

export const MESSAGE_CASES: readonly Case[] = [...fragments, ...utf8, ...closing, ...ends];
