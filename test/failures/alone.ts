// failures: the process that plays one cell and says what came of it, as JSON.
import { playCell } from './cell.ts';
import type { Order } from './fast-cell.ts';

const { store, disaster, size, cli } = JSON.parse(process.argv[2]!) as Order;
process.stdout.write(JSON.stringify(await playCell(store, disaster, size, cli)), () => process.exit(0));
