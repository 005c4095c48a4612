// cli: `npm run docs`: writes the pages that follow from the code. Run from the project's folder.
import { mkdirSync, writeFileSync } from 'node:fs';
import { generatedPages } from './generated-pages.ts';

mkdirSync('docs', { recursive: true });
for (const [path, text] of await generatedPages()) writeFileSync(path, text);
