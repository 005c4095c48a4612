// The header reader: the same answer wherever a header is cut, and no byte of payload looked at.
import { describe, expect, it } from 'vitest';
import { BAD, FrameScanner, MORE, PING } from '../../src/relay/frames.ts';
import { clientFrame, frame, MASK } from '../support/raw-frames.ts';

const SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 2_000_000];

/** Feeds a header in two pieces; returns what the scanner found. */
function readCut(bytes: Buffer, cut: number, masked: boolean) {
  const scanner = new FrameScanner(masked, true);
  const first = scanner.header(bytes, 0, cut);
  const payload = first === MORE ? scanner.header(bytes, cut, bytes.length) : first;
  const { opcode, fin, length, compressed, inHeader } = scanner;
  return { payload, opcode, fin, length, compressed, inHeader, key: scanner.key };
}

describe('a header', () => {
  it.each(SIZES)('of a frame of %i bytes is read at every cut, masked or not', (size) => {
    for (const masked of [false, true]) {
      const build = masked ? clientFrame : frame;
      for (const lengthBits of [undefined, 64] as const) {
        const bytes = build(Buffer.alloc(size), { opcode: 2, rsv1: true, ...(lengthBits && { lengthBits }) });
        const header = bytes.length - size;
        for (let cut = 0; cut <= header; cut++) {
          expect(readCut(bytes, cut, masked), `cut at ${cut}`).toEqual({
            payload: header,
            opcode: 2,
            fin: true,
            length: size,
            compressed: true,
            inHeader: false,
            key: masked ? MASK.readInt32BE(0) : 0,
          });
        }
      }
    }
  });

  it('that comes byte by byte is incomplete until its last byte', () => {
    const bytes = clientFrame(Buffer.alloc(70_000));
    const scanner = new FrameScanner(true, false);
    for (let i = 0; i < 13; i++) {
      expect(scanner.header(bytes.subarray(i, i + 1), 0, 1)).toBe(MORE);
      expect(scanner.inHeader).toBe(true);
    }
    expect(scanner.header(bytes.subarray(13, 14), 0, 1)).toBe(1);
    expect(scanner).toMatchObject({ length: 70_000, inHeader: false });
  });

  it('of a control frame leaves the message under way as it is', () => {
    const scanner = new FrameScanner(false, true);
    scanner.header(frame('a', { fin: false, rsv1: true }), 0, 3);
    scanner.header(frame('b', { opcode: PING }), 0, 3);
    expect(scanner).toMatchObject({ opcode: PING, open: true, messageOpcode: 1, compressed: true });
    scanner.header(frame('c', { opcode: 0 }), 0, 3);
    expect(scanner).toMatchObject({ opcode: 0, open: false, messageOpcode: 1, compressed: true });
  });

  it.each([
    [2 ** 53 - 1, 2 ** 53 - 1],
    [2 ** 53, undefined],
  ])('with a length of %i is counted exactly or refused', (announced, expected) => {
    const bytes = Buffer.alloc(10);
    bytes[0] = 0x82;
    bytes[1] = 127;
    bytes.writeBigUInt64BE(BigInt(announced), 2);
    const scanner = new FrameScanner(false, false);
    expect(scanner.header(bytes, 0, 10)).toBe(expected === undefined ? BAD : 10);
    if (expected !== undefined) expect(scanner.length).toBe(expected);
  });

  it('accepts exactly the first bytes that RFC 6455 §5.2 and RFC 7692 §6 allow', () => {
    const allowed = (deflate: boolean, open: boolean) => {
      const bytes: number[] = [];
      for (let first = 0; first < 256; first++) {
        const scanner = new FrameScanner(false, deflate);
        if (open) scanner.header(frame('', { fin: false }), 0, 2);
        if (scanner.header(Buffer.from([first, 0]), 0, 2) === 2) bytes.push(first);
      }
      return bytes;
    };
    const control = [0x88, 0x89, 0x8a];
    expect(allowed(false, false)).toEqual([0x01, 0x02, 0x81, 0x82, ...control]);
    expect(allowed(true, false)).toEqual([0x01, 0x02, 0x41, 0x42, 0x81, 0x82, ...control, 0xc1, 0xc2]);
    expect(allowed(false, true)).toEqual([0x00, 0x80, ...control]);
    expect(allowed(true, true)).toEqual([0x00, 0x80, ...control]);
  });
});
