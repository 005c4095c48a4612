// Fuzz: one target in a process of its own. The input that runs is in a file before it runs, so that an abort or a hang leaves it behind.
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { fuzz } from './engine.ts';
import { createFiles } from './files.ts';
import { TARGETS } from './targets.ts';

/** Layout of the file: runs so far and length of the input, 4 bytes each, then the input. */
const HEAD_BYTES = 8;

/** What the file says: how many inputs have been started, and the latest. */
export function readCurrent(path: string): { readonly runs: number; readonly input: Buffer } {
  const file = openSync(path, 'r');
  const bytes = Buffer.alloc(HEAD_BYTES + 65_536);
  readSync(file, bytes, 0, bytes.length, 0);
  closeSync(file);
  return { runs: bytes.readUInt32LE(0), input: bytes.subarray(HEAD_BYTES, HEAD_BYTES + bytes.readUInt32LE(4)) };
}

/** What the worker tells its parent at the end. */
export interface WorkerEnd {
  readonly runs: number;
  readonly kept: number;
  readonly blocks: number;
  readonly crash: string | undefined;
  readonly error: string | undefined;
}

/** What the parent asks for, as one argument. */
export interface WorkerOrder {
  readonly name: string;
  /** The folder of corpus and crashes. */
  readonly root: string;
  /** The file of the input that runs. */
  readonly current: string;
  readonly seed: number;
  readonly ms: number;
  /** Whether the corpus becomes the smallest set found, instead of growing. */
  readonly minimise: boolean;
}

function work({ name, root, current, seed, ms, minimise }: WorkerOrder): WorkerEnd {
  const target = TARGETS.find((each) => each.name === name)!;
  const files = createFiles(root);
  const file = openSync(current, 'w');
  const head = Buffer.alloc(HEAD_BYTES);
  let started = 0;
  const end = performance.now() + ms;
  const { runs, corpus, blocks, finding } = fuzz({
    target,
    corpus: files.read('corpus', name).map(({ bytes }) => bytes),
    seed,
    goOn: () => performance.now() < end,
    before(input) {
      head.writeUInt32LE(++started >>> 0, 0);
      head.writeUInt32LE(input.length, 4);
      writeSync(file, Buffer.concat([head, input]), 0, HEAD_BYTES + input.length, 0);
    },
  });
  closeSync(file);
  const kept = corpus.filter(({ length }) => length > 0);
  if (minimise) files.replace(name, kept);
  else for (const input of kept) files.write('corpus', name, input);
  const crash = finding && files.write('crashes', name, finding.input);
  return { runs, kept: kept.length, blocks, crash, error: finding?.error.message };
}

if (process.send !== undefined && process.argv[2] !== undefined) {
  process.send(work(JSON.parse(process.argv[2]) as WorkerOrder), () => process.disconnect());
}
