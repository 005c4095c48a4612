// Fuzz: which blocks of the code under test an input reaches, by V8's precise block coverage. Costs a millisecond, so inputs are looked at in batches.
import { type Profiler, Session } from 'node:inspector';

/** A block of code that ran, and about how often. */
export interface Feature {
  /** Script, place and extent. */
  readonly block: string;
  /** The same with the order of magnitude of its count. */
  readonly often: string;
}

export interface Coverage {
  /** What ran since the last call. */
  take(): Feature[];
}

/** Counts of 1, 2, 3, 4–7, 8–15, 16–31, 32–127 and more are told apart, as AFL does. */
function bucketOf(count: number): number {
  if (count < 4) return count;
  return count < 8 ? 4 : count < 16 ? 8 : count < 32 ? 16 : count < 128 ? 32 : 128;
}

// One session for the life of the process, begun before the code under test is first called: V8
// counts blocks only in functions that it compiles while it counts, and forgets those of a session
// that was stopped.
const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });

/** Watches the scripts whose address holds one of these parts. */
export function openCoverage(about: readonly string[]): Coverage {
  /**
   * Blocks seen so far, by function: V8 leaves a block out whose count is that of the block around
   * it.
   */
  const known = new Map<string, Profiler.CoverageRange[]>();
  return {
    take() {
      const features: Feature[] = [];
      // The callback comes before `post` returns.
      session.post('Profiler.takePreciseCoverage', (error, coverage) => {
        if (error !== null) throw error;
        for (const { url, functions } of coverage.result) {
          if (about.some((part) => url.includes(part))) for (const each of functions) read(url, each, known, features);
        }
      });
      return features;
    },
  };
}

function read(
  url: string,
  { ranges }: Profiler.FunctionCoverage,
  known: Map<string, Profiler.CoverageRange[]>,
  features: Feature[],
): void {
  const whole = ranges[0]!;
  const place = `${url}:${whole.startOffset}`;
  let blocks = known.get(place);
  if (blocks === undefined) {
    blocks = [];
    known.set(place, blocks);
  }
  for (const range of ranges) if (!blocks.some((block) => same(block, range))) blocks.push(range);
  for (const block of blocks) {
    const count = countOf(block, ranges);
    if (count === 0) continue;
    const name = `${place}:${block.startOffset}-${block.endOffset}`;
    features.push({ block: name, often: `${name}*${bucketOf(count)}` });
  }
}

function same(a: Profiler.CoverageRange, b: Profiler.CoverageRange): boolean {
  return a.startOffset === b.startOffset && a.endOffset === b.endOffset;
}

/** The count of the innermost reported range around a block; ranges come from the outside in. */
function countOf(block: Profiler.CoverageRange, ranges: readonly Profiler.CoverageRange[]): number {
  let count = 0;
  for (const range of ranges) {
    if (range.startOffset <= block.startOffset && range.endOffset >= block.endOffset) count = range.count;
  }
  return count;
}
