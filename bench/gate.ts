// The CI gate: fails when CPU per event, as a ratio to http-proxy-3 in the same run, exceeds 1.25 × what bench/baseline.json says.
import fs from 'node:fs';
import { type Baseline, type Measured, ratiosToYardstick } from './baseline.ts';
import { addSbinToPath, missing } from './install.ts';
import { ackspan } from './peers/ackspan.ts';
import { type RowResult, runRow } from './rounds.ts';
import { ROWS } from './rows.ts';

const FILE = 'bench/baseline.json';
const ALLOWED = 1.25;
const ROUNDS = 3;
// A noisy neighbour can spoil three rounds; a regression shows in all nine.
const TRIES = 3;

async function measure(): Promise<Measured> {
  const results: RowResult[] = [];
  const peers = ['http-proxy-3', 'ackspan', 'ackspan-app'];
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  for (const row of ROWS.filter(({ quick }) => quick)) {
    const takes = (peer: string): boolean => peers.includes(peer);
    results.push(await runRow(row, { rounds: ROUNDS, quick: true, nodeFlags: [], takes, say }));
  }
  return ratiosToYardstick(results);
}

/** Whatever is dearer than allowed, and what cannot be judged, as lines for a person. */
function compare(measured: Measured, baseline: Baseline): { dearer: string[]; unjudged: string[] } {
  const [dearer, unjudged]: [string[], string[]] = [[], []];
  for (const [row, subjects] of Object.entries(baseline)) {
    for (const [label, committed] of Object.entries(subjects)) {
      const ratios = measured[row];
      if (ratios === undefined || !(label in ratios)) throw new Error(`${row}, ${label}: no such row or subject`);
      const now = ratios[label];
      const line = `${row}, ${label}: ${now?.toFixed(2) ?? '?'} × http-proxy-3, committed ${committed.toFixed(2)}`;
      console.log(line);
      if (now === undefined) unjudged.push(line);
      else if (now > committed * ALLOWED) dearer.push(line);
    }
  }
  return { dearer, unjudged };
}

async function gate(argv: string[]): Promise<number> {
  addSbinToPath();
  const why = missing(ackspan, (line) => console.log(line));
  if (why !== undefined) throw new Error(why);
  if (argv.includes('--update')) {
    const measured = await measure();
    const all = Object.values(measured).flatMap((row) => Object.values(row));
    if (all.includes(undefined)) throw new Error('the machine had no core free in any round of a row');
    fs.writeFileSync(FILE, `${JSON.stringify(measured, null, 2)}\n`);
    return 0;
  }
  const baseline = JSON.parse(fs.readFileSync(FILE, 'utf8')) as Baseline;
  let found = compare(await measure(), baseline);
  for (let attempt = 2; attempt <= TRIES && found.dearer.length + found.unjudged.length > 0; attempt++)
    found = compare(await measure(), baseline);
  for (const line of found.unjudged) console.log(`NOT JUDGED, the machine had no core free in any round: ${line}`);
  for (const line of found.dearer) console.log(`FAILED, over ${ALLOWED} × the committed ratio: ${line}`);
  return found.dearer.length > 0 ? 1 : 0;
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
