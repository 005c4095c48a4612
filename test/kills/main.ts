// `npm run kills [-- --store file|redis --count N --seed N --beside MAIN.JS]`: SIGKILL at random moments under load; ends with 1 where anything was lost, doubled or without an outcome. `--beside`: the command line of another version, which takes turns with this one.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { chosenSeed, createChance } from '../support/chance.ts';
import { tryRedisKills } from './redis-trial.ts';
import { tryKills } from './trial.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string' },
    seed: { type: 'string' },
    store: { type: 'string', default: 'file' },
    beside: { type: 'string', multiple: true, default: [] },
  },
});
const count = Number(values.count ?? 500);
const seed = values.seed === undefined ? chosenSeed() : Number(values.seed);
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

const clis = ['dist/cli/main.js', ...values.beside].map((path) => resolve(path));

say(`seed ${seed}: ${count} kills, store ${values.store}`);
const wrong = values.store === 'redis' ? await onRedis() : await onFiles();
for (const each of wrong) say(each);
process.exit(wrong.length > 0 ? 1 : 0);

async function onRedis(): Promise<readonly string[]> {
  const { kills, early, handed, resumed, tracked, wrong } = await tryRedisKills(count, createChance(seed), clis);
  say(
    '| kills | of them while it starts | messages handed to clients with a session | resumes | deliveries written down | wrong |',
  );
  say('|---|---|---|---|---|---|');
  say(`| ${kills} | ${early} | ${handed} | ${resumed} | ${tracked} | ${wrong.length} |`);
  return wrong;
}

async function onFiles(): Promise<readonly string[]> {
  const { kills, early, handed, ends, wrong } = await tryKills(count, createChance(seed), clis);
  say('| kills | of them while it starts | messages handed to clients with a session | wrong |');
  say('|---|---|---|---|');
  say(`| ${kills} | ${early} | ${handed} | ${wrong.length} |`);
  say('');
  say('| how a delivery that was written down ended | number |');
  say('|---|---|');
  for (const [end, number] of [...ends].sort(([a], [b]) => a.localeCompare(b))) say(`| ${end} | ${number} |`);
  return wrong;
}
