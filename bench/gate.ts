// The CI gate: fails when CPU per event, as a ratio to http-proxy-3 in the same run, exceeds 1.25 × what bench/baseline.json says.
import fs from 'node:fs';
import { type Baseline, ratiosToYardstick } from './baseline.ts';
import { addSbinToPath, missing } from './install.ts';
import { ackspan } from './peers/ackspan.ts';
import { type RowResult, runRow } from './rounds.ts';
import { ROWS } from './rows.ts';

const FILE = 'bench/baseline.json';
const ALLOWED = 1.25;
const ROUNDS = 3;
// A noisy neighbour can spoil three rounds; a regression shows in all nine.
const TRIES = 3;

async function measure(): Promise<Baseline> {
  const results: RowResult[] = [];
  const peers = ['http-proxy-3', 'ackspan', 'ackspan-app'];
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  for (const row of ROWS.filter(({ quick }) => quick)) {
    const takes = (peer: string): boolean => peers.includes(peer);
    results.push(await runRow(row, { rounds: ROUNDS, quick: true, nodeFlags: [], takes, say }));
  }
  return ratiosToYardstick(results);
}

/** Whatever is dearer than allowed, as lines for a person. */
function regressions(measured: Baseline, baseline: Baseline): string[] {
  return Object.entries(baseline).flatMap(([row, subjects]) =>
    Object.entries(subjects).flatMap(([label, committed]) => {
      const now = measured[row]?.[label];
      if (now === undefined) return [`${row}, ${label}: in the baseline, but not measured`];
      const line = `${row}, ${label}: ${now.toFixed(2)} × http-proxy-3, committed ${committed.toFixed(2)}`;
      console.log(line);
      return now > committed * ALLOWED ? [line] : [];
    }),
  );
}

async function gate(argv: string[]): Promise<number> {
  addSbinToPath();
  const why = missing(ackspan, (line) => console.log(line));
  if (why !== undefined) throw new Error(why);
  if (argv.includes('--update')) {
    fs.writeFileSync(FILE, `${JSON.stringify(await measure(), null, 2)}\n`);
    return 0;
  }
  const baseline = JSON.parse(fs.readFileSync(FILE, 'utf8')) as Baseline;
  let found: string[] = [];
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    found = regressions(await measure(), baseline);
    if (found.length === 0) return 0;
  }
  for (const line of found) console.log(`FAILED, over ${ALLOWED} × the committed ratio: ${line}`);
  return 1;
}

gate(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`gate failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
