// The gate: fails when CPU per event exceeds 1.25 × that of the build before, or of what bench/baseline.json says for this machine.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type Baseline, type Measured, ratiosToYardstick } from './baseline.ts';
import { ratiosToBefore, withBefore } from './before.ts';
import { addSbinToPath, missing } from './install.ts';
import { ackspan } from './peers/ackspan.ts';
import { type RowResult, runRow } from './rounds.ts';
import type { Row } from './row.ts';
import { ROWS } from './rows.ts';

const FILE = 'bench/baseline.json';
const ALLOWED = 1.25;
const ROUNDS = 3;
// A noisy neighbour can spoil three rounds; a regression shows in all nine.
const TRIES = 3;
const ROUNDS_OF_BUILDS = 9;

const USAGE = `usage: npm run bench:gate -- [options]
  --against FILE  compares with another build's dist/cli/main.js, turn by turn, in place of the committed ratios
  --rows a,b      with --against: these rows in place of saturated,paced
  --rounds N      with --against: rounds over both builds (default ${ROUNDS_OF_BUILDS})
  --report        prints the ratios, and fails at wrong bytes or sums only: another machine has other ratios
  --update        writes the ratios of this machine into ${FILE}`;

async function run(rows: readonly Row[], peers: readonly string[], rounds: number): Promise<RowResult[]> {
  const results: RowResult[] = [];
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const takes = (peer: string): boolean => peers.includes(peer);
  for (const row of rows) results.push(await runRow(row, { rounds, quick: true, nodeFlags: [], takes, say }));
  return results;
}

const quickRows = (): Row[] => ROWS.filter(({ quick }) => quick);

async function measure(): Promise<Measured> {
  return ratiosToYardstick(await run(quickRows(), ['http-proxy-3', 'ackspan', 'ackspan-app'], ROUNDS));
}

/** Whether no row takes more than allowed of what the other build takes. */
async function noDearerThan(main: string, chosen: readonly Row[], rounds: number): Promise<boolean> {
  if (!fs.existsSync(main)) throw new Error(`${main}: no such build`);
  const rows = chosen.map((row) => withBefore(row, path.resolve(main)));
  const dearer: string[] = [];
  for (const result of await run(rows, ['ackspan', 'ackspan-app'], rounds)) {
    for (const [label, { median, min, max }] of Object.entries(ratiosToBefore(result))) {
      const line = `${result.name}, ${label}: ${median.toFixed(2)} (${min.toFixed(2)}–${max.toFixed(2)}) × the build before`;
      console.log(line);
      if (median > ALLOWED) dearer.push(line);
    }
  }
  for (const line of dearer) console.log(`FAILED, over ${ALLOWED} ×: ${line}`);
  return dearer.length === 0;
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

const KNOWN = {
  against: { type: 'string' },
  rows: { type: 'string' },
  rounds: { type: 'string' },
  report: { type: 'boolean' },
  update: { type: 'boolean' },
} as const;

async function gate(argv: string[]): Promise<number> {
  const { against, rows, rounds, report, update } = readOptions(argv);
  addSbinToPath();
  const why = missing(ackspan, (line) => console.log(line));
  if (why !== undefined) throw new Error(why);
  if (against !== undefined) return (await noDearerThan(against, rows, rounds)) ? 0 : 1;
  if (update === true) {
    const measured = await measure();
    const all = Object.values(measured).flatMap((row) => Object.values(row));
    if (all.includes(undefined)) throw new Error('the machine had no core free in any round of a row');
    fs.writeFileSync(FILE, `${JSON.stringify(measured, null, 2)}\n`);
    return 0;
  }
  const baseline = JSON.parse(fs.readFileSync(FILE, 'utf8')) as Baseline;
  let found = compare(await measure(), baseline);
  if (report === true) return 0;
  for (let attempt = 2; attempt <= TRIES && found.dearer.length + found.unjudged.length > 0; attempt++)
    found = compare(await measure(), baseline);
  for (const line of found.unjudged) console.log(`NOT JUDGED, the machine had no core free in any round: ${line}`);
  for (const line of found.dearer) console.log(`FAILED, over ${ALLOWED} × the committed ratio: ${line}`);
  return found.dearer.length > 0 ? 1 : 0;
}

function readOptions(argv: string[]) {
  try {
    const { rows, rounds, ...rest } = parseArgs({ args: argv, options: KNOWN }).values;
    if (rest.against === undefined && (rows ?? rounds) !== undefined)
      throw new Error('--rows and --rounds belong to --against');
    const count = Number(rounds ?? ROUNDS_OF_BUILDS);
    if (!Number.isInteger(count) || count < 1) throw new Error(`--rounds takes a whole number, not ${rounds}`);
    return { ...rest, rows: rows === undefined ? quickRows() : rows.split(',').map(rowNamed), rounds: count };
  } catch (error) {
    throw new Error(`${(error as Error).message}\n${USAGE}`);
  }
}

/** A row with Ackspan in it, by its name. */
function rowNamed(name: string): Row {
  const row = ROWS.find((each) => each.name === name);
  // Without CPU per event there is nothing to compare.
  if (row?.metrics.some(({ key }) => key === 'cpu') === true) return row;
  throw new Error(`${name}: no row with CPU per event has this name`);
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
