// `npm run kills [-- --count N --seed N]`: SIGKILL at random moments under load, on one directory; ends with 1 where anything was lost, doubled or without an outcome.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chosenSeed, createChance } from '../support/chance.ts';
import { tryKills } from './trial.ts';

const { values } = parseArgs({ options: { count: { type: 'string' }, seed: { type: 'string' } } });
const count = Number(values.count ?? 500);
const seed = values.seed === undefined ? chosenSeed() : Number(values.seed);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

say(`seed ${seed}: ${count} kills`);
const { kills, early, handed, ends, wrong } = await tryKills(count, createChance(seed), resolve('dist/cli/main.js'));
say('| kills | of them while it starts | messages handed to clients with a session | wrong |');
say('|---|---|---|---|');
say(`| ${kills} | ${early} | ${handed} | ${wrong.length} |`);
say('');
say('| how a delivery that was written down ended | number |');
say('|---|---|');
for (const [end, number] of [...ends].sort(([a], [b]) => a.localeCompare(b))) say(`| ${end} | ${number} |`);
for (const each of wrong) say(each);
process.exit(wrong.length > 0 ? 1 : 0);
