// `npm run dashboards`: writes every generated file into the checkout it is run in. The variable RUNBOOK_BASE says where runbooks are.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { generatedFiles } from './files.ts';
import { SLO } from './slo.ts';

const base = process.env.RUNBOOK_BASE;
const slo = base === undefined ? SLO : { ...SLO, runbookBase: base.replace(/\/*$/, '/') };

for (const [path, text] of generatedFiles(slo)) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  console.log(path);
}
