// `npm run fleets [-- --seed N --minutes 2 --clients 55 --plain 15 --instances 3 --lease 1500 --beside MAIN.JS]`: instances on one Redis that stand still again and again; ends with 1 where an outcome is not true. `--beside`: every second one is of another version.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chosenSeed } from '../support/chance.ts';
import { playFleet } from './fleet.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string', default: '2' },
    clients: { type: 'string', default: '55' },
    plain: { type: 'string', default: '15' },
    instances: { type: 'string', default: '3' },
    lease: { type: 'string', default: '1500' },
    beside: { type: 'string', multiple: true, default: [] },
  },
});
const seed = values.seed === undefined ? chosenSeed() : Number(values.seed);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);
const of = (name: 'minutes' | 'plain' | 'clients' | 'instances' | 'lease'): number => {
  const number = Number(values[name]);
  if (number > 0 || (number === 0 && name === 'plain')) return number;
  process.stderr.write(`option --${name} takes a number above 0, not ${values[name]}\n`);
  return process.exit(2);
};
const [minutes, clients, plain] = [of('minutes'), of('clients'), of('plain')];
const [instances, leaseMs] = [of('instances'), of('lease')];

say(
  `seed ${seed}: ${instances} instances, ${clients} clients of which ${plain} are plain, ${minutes} minutes, a lease of ${leaseMs} ms`,
);
const clis = ['dist/cli/main.js', ...values.beside].map((path) => resolve(path));
const result = await playFleet({ seed, clients, plain, instances, leaseMs, ms: minutes * 60_000, clis });
const { stops, resumes, events, handed, deliveries, confirmed, denied, anew, two, none, untrue, closed, wrong } =
  result;
const columns: readonly (readonly [string, number])[] = [
  ['standstills', stops],
  ['resumes', resumes],
  ['events', events],
  ['handed over', handed],
  ['begun anew', anew],
  ['deliveries', deliveries],
  ['confirmed', confirmed],
  ['handed over, called lost', denied],
  ['two outcomes', two.length],
  ['none', none.length],
  ['confirmed, not handed over', untrue.length],
  ['clients closed for good', closed],
];
say(`| ${columns.map(([name]) => name).join(' | ')} |`);
say(`|${'---|'.repeat(columns.length)}`);
say(`| ${columns.map(([, count]) => count).join(' | ')} |`);
for (const each of wrong) say(`\nWRONG: ${each}`);
for (const each of result.begunAnew) say(`\nfor its story: ${each}`);
process.exit(wrong.length > 0 ? 1 : 0);
