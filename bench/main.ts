// `npm run bench`: runs the rows against the peers and prints medians and ratios, or the result as JSON.

import { addSbinToPath, missing } from './install.ts';
import { describeMachine } from './machine.ts';
import { writeReadme } from './markdown.ts';
import { type Options, parseOptions, USAGE } from './options.ts';
import { DIRECT, PEERS } from './peers/table.ts';
import { asText, tableOf } from './report.ts';
import type { BenchResult } from './result.ts';
import { type RowResult, runRow } from './rounds.ts';
import { ROWS } from './rows.ts';

async function bench(options: Options): Promise<BenchResult> {
  const say = (line: string): void => void process.stderr.write(`${line}\n`);
  const skipped: { peer: string; why: string }[] = [];
  const taking = new Set(options.peers?.includes(DIRECT) === false ? [] : [DIRECT]);
  for (const peer of PEERS) {
    if (options.peers !== undefined && !options.peers.includes(peer.name)) continue;
    const why = missing(peer, say);
    if (why === undefined) taking.add(peer.name);
    else skipped.push({ peer: peer.name, why });
  }
  for (const { peer, why } of skipped) say(`!!! ${peer} is NOT measured: ${why}`);
  const rows: RowResult[] = [];
  for (const row of options.rows) {
    if (!row.subjects.some((subject) => taking.has(subject.peer))) continue;
    rows.push(await runRow(row, { ...options, takes: (peer) => taking.has(peer), say }));
  }
  return { machine: describeMachine(), rounds: options.rounds, quick: options.quick, skipped, rows };
}

function print(result: BenchResult): void {
  for (const row of result.rows) {
    const metrics = ROWS.find((candidate) => candidate.name === row.name)!.metrics;
    console.log(`\n${row.title}\n${asText(tableOf(row, metrics))}`);
  }
  for (const { peer, why } of result.skipped) console.log(`\n${peer} was skipped: ${why}`);
}

async function main(argv: string[]): Promise<number> {
  if (argv.includes('--help')) {
    console.log(USAGE);
    return 0;
  }
  if (argv[0] === '--markdown') {
    if (argv[1] === undefined) {
      console.error(USAGE);
      return 2;
    }
    writeReadme(argv[1]);
    return 0;
  }
  let options: Options;
  try {
    options = parseOptions(argv);
  } catch (error) {
    console.error(`${(error as Error).message}\n${USAGE}`);
    return 2;
  }
  addSbinToPath();
  const result = await bench(options);
  if (options.json) console.log(JSON.stringify(result, null, 1));
  else print(result);
  return 0;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(`bench failed: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  },
);
