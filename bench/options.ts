// The bench's command line, checked: what to run, against whom, how often, and what to print.
import { parseArgs } from 'node:util';
import { DIRECT, PEERS } from './peers/table.ts';
import type { Row } from './row.ts';
import { ROWS } from './rows.ts';

export interface Options {
  readonly rows: readonly Row[];
  /** Names, or undefined = every peer. */
  readonly peers: readonly string[] | undefined;
  readonly rounds: number;
  readonly json: boolean;
  readonly quick: boolean;
  /** Flags for the Node peers, Ackspan among them. */
  readonly nodeFlags: readonly string[];
}

export const USAGE = `usage: npm run bench -- [options]
  --quick            saturated and paced only, short windows, one round: under a minute
  --rows a,b         only these rows: ${ROWS.map((row) => row.name).join(', ')}
  --peers a,b        only these peers: ${[DIRECT, ...PEERS.map((peer) => peer.name)].join(', ')}
  --rounds N         rounds over all peers (default 5; 1 with --quick)
  --node-flags=F     flags for the Node peers, such as "--node-flags=--cpu-prof --cpu-prof-dir=/tmp/prof"
  --json             the result as one JSON object on stdout, progress on stderr
  --markdown FILE    no run: writes a JSON result's tables into bench/README.md`;

const KNOWN = {
  quick: { type: 'boolean' },
  json: { type: 'boolean' },
  rows: { type: 'string' },
  peers: { type: 'string' },
  rounds: { type: 'string' },
  'node-flags': { type: 'string' },
} as const;

/** Throws with a sentence for the operator when an argument is wrong. */
export function parseOptions(argv: string[]): Options {
  const { values } = parseArgs({ args: argv, options: KNOWN });
  const quick = values.quick ?? false;
  const rounds = Number(values.rounds ?? (quick ? 1 : 5));
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds takes a whole number, not ${values.rounds}`);
  const names = values.rows?.split(',') ?? ROWS.filter((row) => !quick || row.quick).map((row) => row.name);
  const rows = names.map((name) => {
    const row = ROWS.find((candidate) => candidate.name === name);
    if (row === undefined) throw new Error(`no row is called ${name}; rows: ${ROWS.map((r) => r.name).join(', ')}`);
    return row;
  });
  const peers = values.peers?.split(',');
  const known = [DIRECT, ...PEERS.map((peer) => peer.name)];
  for (const name of peers ?? []) {
    if (!known.includes(name)) throw new Error(`no peer is called ${name}; peers: ${known.join(', ')}`);
  }
  const nodeFlags = values['node-flags']?.split(' ').filter((flag) => flag !== '') ?? [];
  return { rows, peers, rounds, json: values.json ?? false, quick, nodeFlags };
}
