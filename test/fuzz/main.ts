// `npm run fuzz -- --target frames --minutes 10`: guides inputs by coverage; a crash, a hang or a wrong answer becomes a file that the tests replay.
import { fork } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createFiles } from './files.ts';
import { TARGETS } from './targets.ts';
import { readCurrent, type WorkerEnd, type WorkerOrder } from './worker.ts';

/** An input that has not come back for so long hangs, ms. */
const HANG_MS = 20_000;

const ROOT = resolve('test/fuzz');
const NAMES = TARGETS.map(({ name }) => name);

const { values } = parseArgs({
  options: {
    target: { type: 'string', multiple: true },
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string' },
    minimise: { type: 'boolean', default: false },
  },
});
const chosen = values.target ?? NAMES;
const minutes = Number(values.minutes);
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed);
const unknown = chosen.filter((name) => !NAMES.includes(name));
if (unknown.length > 0 || !(minutes > 0) || !Number.isInteger(seed)) {
  console.error(`usage: npm run fuzz -- [--target ${NAMES.join('|')}]… [--minutes 1] [--seed N] [--minimise]`);
  process.exit(2);
}

/** Fuzzes one target; true = nothing was found. */
function fuzzTarget(name: string): Promise<boolean> {
  mkdirSync(resolve('.cache/fuzz'), { recursive: true });
  const current = resolve(`.cache/fuzz/current-${name}`);
  const worker = join(import.meta.dirname, 'worker.js');
  const order: WorkerOrder = { name, root: ROOT, current, seed, ms: minutes * 60_000, minimise: values.minimise };
  const child = fork(worker, [JSON.stringify(order)]);
  let ended: WorkerEnd | undefined;
  let runs = -1;
  let hung = false;
  const watch = setInterval(() => {
    const seen = readCurrent(current).runs;
    hung = seen === runs;
    runs = seen;
    if (hung) child.kill('SIGKILL');
  }, HANG_MS);
  child.on('message', (message) => {
    ended = message as WorkerEnd;
  });
  return new Promise((done) => {
    child.once('exit', (code, signal) => {
      clearInterval(watch);
      done(tell(name, current, ended, hung ? 'hangs' : `ends the process (${signal ?? code})`));
    });
  });
}

function tell(name: string, current: string, ended: WorkerEnd | undefined, how: string): boolean {
  if (ended === undefined) {
    const { input } = readCurrent(current);
    const file = createFiles(ROOT).write('crashes', name, input, how === 'hangs' ? 'hang-' : 'abort-');
    console.error(`${name}: seed ${seed}: an input ${how}: ${file}`);
    return false;
  }
  const { runs, kept, blocks, crash, error } = ended;
  console.log(`${name}: seed ${seed}, ${runs} inputs, ${blocks} blocks reached, ${kept} inputs in the corpus`);
  if (crash !== undefined) console.error(`${name}: ${crash}\n  ${error}`);
  return crash === undefined;
}

for (const name of chosen) if (!(await fuzzTarget(name))) process.exitCode = 1;
