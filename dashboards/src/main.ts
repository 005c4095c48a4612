// `npm run dashboards`: writes every generated file into the checkout it is run in.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { generatedFiles } from './files.ts';
import { SLO } from './slo.ts';

for (const [path, text] of generatedFiles(SLO)) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(path);
}
