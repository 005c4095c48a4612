// House: `npm run house` prints the picture; `npm run house -- --write` puts it into ARCHITECTURE.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { draw, readHouse } from './picture.ts';
import { withPicture } from './section.ts';

const house = readHouse();
if (process.argv.includes('--write')) {
  const page = resolve('ARCHITECTURE.md');
  writeFileSync(page, withPicture(readFileSync(page, 'utf8'), draw(house, false)));
} else process.stdout.write(`${draw(house, true)}\n`);
process.exitCode = house.fileCircles.length + house.roomCircles.length > 0 ? 1 : 0;
