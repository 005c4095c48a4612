// cli: `npm run docs`: writes the pages that follow from the code. Run from the project's folder.
import { mkdirSync, writeFileSync } from 'node:fs';
import { configurationPage } from '../config/document.ts';
import { DEFAULTS } from './defaults.ts';

mkdirSync('docs', { recursive: true });
writeFileSync('docs/configuration.md', configurationPage(DEFAULTS));
