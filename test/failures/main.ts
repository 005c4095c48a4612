// `npm run failures [-- --store file] [--disaster kill] [--idle 600]`: plays every cell of the failure table and prints it; ends with 1 where a guarantee does not hold.
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Cell, playCell, type Size } from './cell.ts';
import { playFast } from './fast-cell.ts';
import { CELLS, type Disaster, guaranteeOf, type StoreKind, TITLES } from './guarantee.ts';

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    disaster: { type: 'string' },
    idle: { type: 'string', default: '600' },
    wave: { type: 'string', default: '2000' },
  },
});
const size: Size = {
  clients: 5,
  wave: Number(values.wave),
  idleMs: Number(values.idle) * 1000,
  cutMs: 2000,
  stallMs: 10_000,
  loadMs: 2000,
};
const cli = resolve('dist/cli/main.js');
const say = (line: string): boolean => process.stdout.write(`${line}\n`);

async function play(store: StoreKind, disaster: Disaster): Promise<Cell> {
  try {
    return await (disaster === 'idle' ? playFast : playCell)(store, disaster, size, cli);
  } catch (error) {
    const outcomes = { confirmed: 0, other: 0, none: 0, two: 0 };
    const wrong = [error instanceof Error ? error.message : String(error)];
    const nothing = { clients: 0, sent: 0, handed: 0, outcomes, resumed: 0, begun: 0 };
    return { store, disaster, guarantee: guaranteeOf(store, disaster), ...nothing, wrong };
  }
}

function row({ store, disaster, guarantee, clients, sent, handed, outcomes, resumed, begun, wrong }: Cell): string {
  const { confirmed, other, none, two } = outcomes;
  const cells = [TITLES[disaster], store, guarantee, clients, sent, handed, resumed, begun];
  return `| ${[...cells, confirmed, other, none, two, wrong.length === 0 ? 'holds' : 'broken'].join(' | ')} |`;
}

say(
  '| what happens | store | promised | clients | sent | handed | sessions resumed | begun anew | confirmed | other outcome | no outcome | two outcomes | promise |',
);
say('|---|---|---|---|---|---|---|---|---|---|---|---|---|');
const failed: Cell[] = [];
const show = (cell: Cell): void => {
  say(row(cell));
  if (cell.wrong.length > 0) failed.push(cell);
};
const wanted = CELLS.filter(
  ({ store, disaster }) => (values.store ?? store) === store && (values.disaster ?? disaster) === disaster,
);
for (const { store, disaster } of wanted) show(await play(store, disaster));
for (const { store, disaster, wrong } of failed) say(`\n${store}, ${TITLES[disaster]}:\n  ${wrong.join('\n  ')}`);
process.exit(failed.length > 0 ? 1 : 0);
