// `npm run hostile [-- --tries N --seed N]`: strangers against every configuration of identity; ends with 1 where one word was accepted.
import { parseArgs } from 'node:util';
import { chosenSeed, createChance } from '../support/chance.ts';
import { serveKeys, settings } from './settings.ts';
import { tryStrangers } from './trial.ts';

const { values } = parseArgs({ options: { tries: { type: 'string' }, seed: { type: 'string' } } });
const tries = Number(values.tries ?? 10_000_000);
const seed = values.seed === undefined ? chosenSeed() : Number(values.seed);
const keys = await serveKeys();
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

say(`seed ${seed}: ${tries.toLocaleString('en')} confirmations and rejections of strangers per configuration`);
say(
  '| configuration | strangers asked | let in | with a user | with a claim | words tried | accepted | control | seed |',
);
say('|---|---|---|---|---|---|---|---|---|');
for (const [index, setting] of settings(keys.url).entries()) {
  const { name, tried, accepted, strangers, control } = await tryStrangers(setting, tries, createChance(seed + index));
  const { asked, letIn, identified, claimed } = strangers;
  say(`| ${[name, asked, letIn, identified, claimed, tried, accepted, control, seed + index].join(' | ')} |`);
  if (accepted > 0) process.exitCode = 1;
}
keys.close();
