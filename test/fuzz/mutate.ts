// Fuzz: a new input out of old ones. Every change follows from the chance that is handed in.
import type { Chance } from '../support/chance.ts';

/** Bytes and lengths at which parsers change their mind. */
const EDGES = [
  0, 1, 2, 3, 4, 7, 8, 13, 14, 31, 32, 63, 64, 125, 126, 127, 128, 129, 191, 192, 223, 239, 254, 255,
] as const;

type Change = (input: Buffer, chance: Chance, material: Material) => Buffer;

/** What a change may draw on. */
export interface Material {
  /** Another input of the corpus. */
  other(): Uint8Array;
  /** Words of the format. */
  readonly dictionary: readonly Uint8Array[];
}

const CHANGES: readonly Change[] = [
  // One bit.
  (input, chance) => edited(input, chance, (byte) => byte ^ (1 << chance.between(0, 7))),
  (input, chance) => edited(input, chance, () => chance.of(EDGES)),
  (input, chance) => edited(input, chance, () => chance.between(0, 255)),
  (input, chance) => edited(input, chance, (byte) => byte + chance.between(-3, 3)),
  // Bytes go.
  (input, chance) => {
    const at = chance.between(0, input.length);
    return replaced(input, at, at + chance.of([1, 1, 2, 4, chance.between(1, 64)]), NOTHING);
  },
  // Bytes come.
  (input, chance) => {
    const at = chance.between(0, input.length);
    const byte = chance.next() < 0.5 ? chance.of(EDGES) : chance.between(0, 255);
    return replaced(input, at, at, Buffer.alloc(chance.of([1, 1, 1, 2, 4, chance.between(1, 32)]), byte));
  },
  // A part comes twice, or elsewhere.
  (input, chance) => {
    const from = chance.between(0, input.length);
    const part = input.subarray(from, from + chance.between(1, 48));
    const at = chance.between(0, input.length);
    return replaced(input, at, at, Buffer.concat(new Array<Buffer>(chance.of([1, 1, 2, 5])).fill(part)));
  },
  // A word of the format, put in or put over.
  (input, chance, { dictionary }) => {
    if (dictionary.length === 0) return input;
    const word = chance.of(dictionary);
    const at = chance.between(0, input.length);
    return replaced(input, at, at + chance.of([0, 0, word.length]), word);
  },
  // The beginning of this one and the end of another, or a part of another.
  (input, chance, { other }) => {
    const second = Buffer.from(other());
    const at = chance.between(0, input.length);
    const from = chance.between(0, second.length);
    return chance.next() < 0.5
      ? Buffer.concat([input.subarray(0, at), second.subarray(from)])
      : replaced(input, at, at, second.subarray(from, from + chance.between(1, 48)));
  },
];

const NOTHING = Buffer.alloc(0);

/** Between one and a few changes of `input`, cut at `maxBytes`. */
export function mutate(input: Uint8Array, chance: Chance, material: Material, maxBytes: number): Buffer {
  let changed: Buffer = Buffer.from(input);
  const times = chance.of([1, 1, 2, 2, 3, 5, 8]);
  for (let i = 0; i < times; i++) changed = chance.of(CHANGES)(changed, chance, material);
  return changed.subarray(0, maxBytes);
}

function edited(input: Buffer, chance: Chance, change: (byte: number) => number): Buffer {
  if (input.length === 0) return Buffer.from([chance.between(0, 255)]);
  const copy = Buffer.from(input);
  const at = chance.between(0, copy.length - 1);
  copy[at] = change(copy[at]!);
  return copy;
}

function replaced(input: Buffer, from: number, to: number, by: Uint8Array): Buffer {
  return Buffer.concat([input.subarray(0, from), by, input.subarray(to)]);
}

/**
 * Smaller and smaller versions of `input` that `still` accepts; at most `tries` questions are
 * asked.
 */
export function shrink(input: Uint8Array, still: (smaller: Buffer) => boolean, tries: number): Buffer {
  let best: Buffer = Buffer.from(input);
  for (let size = best.length >> 1; size >= 1; size >>= 1) {
    for (let at = 0; at < best.length; ) {
      if (tries-- <= 0) return best;
      const smaller = replaced(best, at, at + size, NOTHING);
      if (still(smaller)) best = smaller;
      else at += size;
    }
  }
  return best;
}
