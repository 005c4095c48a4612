// What fuzzing has found stays found: corpus and crashes are replayed, each target runs a little further, and the fuzzer itself finds planted faults.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { chosenSeed, createChance } from '../support/chance.ts';
import { fuzz } from './engine.ts';
import { createFiles } from './files.ts';
import { shrink } from './mutate.ts';
import type { Target } from './target.ts';
import { TARGETS } from './targets.ts';
import { readCurrent } from './worker.ts';

const files = createFiles(import.meta.dirname);
/** Inputs of the short run, per target. */
const SHORT_RUNS = 3000;

describe.each(TARGETS.map((target) => [target.name, target] as const))('%s', (name, target) => {
  const corpus = files.read('corpus', name);

  it('agrees with its reference on the corpus', () => {
    expect(corpus.length).toBeGreaterThan(10);
    for (const { name: file, bytes } of corpus) {
      expect(() => target.run(bytes), file).not.toThrow();
    }
  });

  it('is guided by code that is there', () => {
    for (const place of target.about) {
      const path = join(import.meta.dirname, '../..', place);
      expect(existsSync(path.endsWith('/') ? path : `${path}.ts`), place).toBe(true);
    }
  });

  it('agrees on what broke it once', () => {
    for (const { name: file, bytes } of files.read('crashes', name))
      expect(() => target.run(bytes), file).not.toThrow();
  });

  it('agrees a little further', () => {
    const seed = chosenSeed();
    const { finding } = fuzz({
      target,
      corpus: corpus.map(({ bytes }) => bytes),
      seed,
      goOn: (runs) => runs < SHORT_RUNS,
    });
    const found = finding && `seed ${seed}: ${finding.input.toString('base64')} (base64): ${finding.error.message}`;
    expect(found).toBeUndefined();
  });
});

/** Four conditions deep: without coverage to guide, one input in 2^32 gets there. */
function planted(input: Uint8Array): string {
  if (input[0] === 0x41) {
    if (input[1] === 0x63) {
      if (input[2] === 0x6b) {
        if (input[3] === 0x21) throw new Error('planted 12345');
        return 'three';
      }
      return 'two';
    }
    return 'one';
  }
  return 'none';
}

const PLANTED: Target = {
  name: 'planted',
  about: ['fuzz.test'],
  dictionary: [],
  maxBytes: 64,
  run: (input) => void planted(input),
};

describe('the fuzzer', () => {
  it('is led to a fault by coverage, and makes the input small', () => {
    const corpus = [Buffer.from('some input')];
    const { finding, runs } = fuzz({ target: PLANTED, corpus, seed: 1, goOn: (sofar) => sofar < 2_000_000 });
    expect(finding?.input.toString()).toBe('Ack!');
    expect(finding?.error.message).toBe('planted 12345');
    expect(runs).toBeLessThan(2 ** 32 / 100);
  });

  it('keeps of a corpus only what adds something', () => {
    const corpus = ['A', 'AA', 'C', 'Ac', 'Acx', 'Acy'].map((each) => Buffer.from(each));
    const result = fuzz({ target: PLANTED, corpus, seed: 1, goOn: () => false });
    expect(result.corpus.map(String).filter((each) => each.startsWith('A'))).toEqual(['A', 'Ac']);
  });

  it('shrinks to what is needed, within its tries', () => {
    const chance = createChance(5);
    const noise = Buffer.from(Array.from({ length: 300 }, () => chance.between(0, 96)));
    const input = Buffer.concat([noise, Buffer.from('z'), noise, Buffer.from('y')]);
    const needed = (each: Buffer) => each.includes('z') && each.includes('y', each.indexOf('z'));
    expect(shrink(input, needed, 10_000).toString()).toBe('zy');
    expect(needed(shrink(input, needed, 3))).toBe(true);
  });

  it('leaves the input that never came back behind', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ackspan-fuzz-'));
    const path = join(folder, 'current');
    writeFileSync(path, Buffer.from([7, 0, 0, 0, 3, 0, 0, 0, 97, 98, 99, 1, 1]));
    expect(readCurrent(path)).toEqual({ runs: 7, input: Buffer.from('abc') });
    rmSync(folder, { recursive: true });
  });
});
