// Fuzz: the loop. Inputs that reach something new are kept and changed further; one that breaks the oracle is made small and handed back.
import { type Chance, createChance } from '../support/chance.ts';
import { type Feature, openCoverage } from './coverage.ts';
import { mutate, shrink } from './mutate.ts';
import type { Target } from './target.ts';

/** An input that the oracle did not accept, as small as it got. */
export interface Finding {
  readonly input: Buffer;
  readonly error: Error;
}

export interface FuzzOptions {
  readonly target: Target;
  readonly corpus: readonly Uint8Array[];
  readonly seed: number;
  /** Asked between batches, with the number of inputs run so far. */
  goOn(runs: number): boolean;
  /** Told of each input before it runs: what must be known of one that never comes back. */
  before?(input: Uint8Array): void;
}

export interface FuzzResult {
  readonly runs: number;
  /**
   * Inputs that reached something new, the given ones included: a set in which each adds something.
   */
  readonly corpus: readonly Buffer[];
  /** Blocks reached. */
  readonly blocks: number;
  /** The first; the loop ends with it. */
  readonly finding: Finding | undefined;
}

/** Inputs between two looks at the coverage: a look costs as much as a hundred inputs. */
const BATCH = 256;
/**
 * So many of a batch are looked at alone every so many batches: only then are counts told apart
 * too.
 */
const ALONE = 32;
const ALONE_EVERY = 16;
/** Inputs among which a parent is chosen. */
const CANDIDATES = 5;
const SHRINK_TRIES = 64;
const SHRINK_FINDING_TRIES = 2000;

export function fuzz(options: FuzzOptions): FuzzResult {
  return new Fuzzing(options).go();
}

class Fuzzing {
  readonly #options: FuzzOptions;
  readonly #chance: Chance;
  readonly #coverage: ReturnType<typeof openCoverage>;
  readonly #blocks = new Set<string>();
  readonly #often = new Set<string>();
  readonly #corpus: Buffer[] = [];
  /** How often each of the corpus was a parent. */
  readonly #tried: number[] = [];
  #finding: Finding | undefined;
  #runs = 0;

  constructor(options: FuzzOptions) {
    this.#options = options;
    this.#chance = createChance(options.seed);
    this.#coverage = openCoverage(options.target.about);
  }

  go(): FuzzResult {
    // The smallest first: the larger ones are kept only for what they add.
    const given = this.#options.corpus.map((each) => Buffer.from(each)).sort((a, b) => a.length - b.length);
    for (const input of [Buffer.alloc(0), ...given]) this.#look(input, false);
    for (let batch = 1; this.#finding === undefined && this.#options.goOn(this.#runs); batch++) {
      const inputs = Array.from({ length: BATCH }, () => this.#next());
      if (batch % ALONE_EVERY === 0) for (const input of inputs.splice(0, ALONE)) this.#look(input, true);
      this.#lookTogether(inputs);
    }
    return { runs: this.#runs, corpus: this.#corpus, blocks: this.#blocks.size, finding: this.#finding };
  }

  #next(): Buffer {
    const { target } = this.#options;
    const other = () => this.#corpus[this.#any()] ?? Buffer.alloc(0);
    const parent = this.#parent();
    return mutate(parent, this.#chance, { other, dictionary: target.dictionary }, target.maxBytes);
  }

  #any(): number {
    return this.#chance.between(0, this.#corpus.length - 1);
  }

  /** Of a few, the one that was tried least: what is new catches up with what is old. */
  #parent(): Buffer {
    if (this.#corpus.length === 0) return Buffer.alloc(0);
    let least = this.#any();
    for (let i = 1; i < CANDIDATES; i++) {
      const one = this.#any();
      if (this.#tried[one]! < this.#tried[least]!) least = one;
    }
    this.#tried[least]!++;
    return this.#corpus[least]!;
  }

  /** Finds those that reach a new block, by halves. */
  #lookTogether(inputs: readonly Buffer[]): void {
    if (inputs.length === 1) {
      this.#look(inputs[0]!, true);
      return;
    }
    this.#coverage.take();
    for (const input of inputs) if (this.#finding !== undefined || !this.#run(input)) return;
    if (!this.#coverage.take().some(({ block }) => !this.#blocks.has(block))) return;
    const half = inputs.length >> 1;
    this.#lookTogether(inputs.slice(0, half));
    this.#lookTogether(inputs.slice(half));
  }

  /** Keeps the input, made smaller, if it alone reaches something new. */
  #look(input: Buffer, small: boolean): void {
    this.#coverage.take();
    if (this.#finding !== undefined || !this.#run(input)) return;
    const fresh = this.#coverage.take().filter(({ often }) => !this.#often.has(often));
    if (fresh.length === 0) return;
    const kept = small ? shrink(input, (smaller) => this.#reaches(smaller, fresh), SHRINK_TRIES) : input;
    this.#corpus.push(kept);
    this.#tried.push(0);
    for (const { block, often } of fresh) {
      this.#blocks.add(block);
      this.#often.add(often);
    }
  }

  #reaches(input: Buffer, wanted: readonly Feature[]): boolean {
    if (!this.#run(input)) return false;
    const reached = new Set(this.#coverage.take().map(({ often }) => often));
    return wanted.every(({ often }) => reached.has(often));
  }

  /** False when the oracle did not accept it. */
  #run(input: Buffer): boolean {
    this.#runs++;
    const error = this.#judge(input);
    if (error === undefined) return true;
    const words = wordsOf(error);
    const still = (smaller: Buffer): boolean => {
      const other = this.#judge(smaller);
      return other !== undefined && wordsOf(other) === words;
    };
    const smallest = shrink(input, still, SHRINK_FINDING_TRIES);
    this.#finding ??= { input: smallest, error: this.#judge(smallest) ?? error };
    return false;
  }

  #judge(input: Buffer): Error | undefined {
    this.#options.before?.(input);
    try {
      this.#options.target.run(input);
      return undefined;
    } catch (error) {
      return error instanceof Error ? error : new Error(String(error));
    }
  }
}

/**
 * What two errors of one cause have in common: their first line without what depends on the input.
 */
function wordsOf({ message }: Error): string {
  return message.split('\n', 1)[0]!.replace(/[\d"'[{].*/s, '');
}
