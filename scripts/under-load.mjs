// scripts: runs one test file with many seeds, with busy loops beside it, and prints a table: npm run under-load -- FILE --seeds 50 --busy 4
import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: 'string', default: '50' },
    first: { type: 'string', default: '1' },
    busy: { type: 'string', default: '4' },
    // The niceness of the loops.
    nice: { type: 'string', default: '0' },
  },
});
const [file] = positionals;
if (file === undefined) throw new Error('which test file?');
const [seeds, first, busy] = [values.seeds, values.first, values.busy].map(Number);

const loops = Array.from({ length: busy }, () => spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }));
for (const { pid } of loops) if (pid !== undefined) setPriority(pid, Number(values.nice));
process.on('exit', () => {
  for (const loop of loops) loop.kill('SIGKILL');
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));

/** The exit code of the test with that seed, and what it printed. */
function run(seed) {
  return new Promise((resolve) => {
    const child = spawn('npx', ['vitest', 'run', file], { env: { ...process.env, FC_SEED: String(seed) } });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (text += chunk));
    child.on('close', (code) => resolve({ code, text }));
  });
}

console.log(`${file}, ${busy} busy loops of niceness ${values.nice} beside it\n\n| seed | result | s |\n|---|---|---|`);
let failed = 0;
for (let seed = first; seed < first + seeds; seed++) {
  const began = performance.now();
  const { code, text } = await run(seed);
  if (code !== 0) failed++;
  console.log(`| ${seed} | ${code === 0 ? 'passed' : 'failed'} | ${((performance.now() - began) / 1000).toFixed(0)} |`);
  if (code !== 0) console.log(text);
}
console.log(`\n${seeds - failed} of ${seeds} passed`);
process.exitCode = failed === 0 ? 0 : 1;
process.exit();
