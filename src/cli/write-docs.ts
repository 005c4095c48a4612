// cli: `npm run docs`: writes the pages that follow from the code. Run from the project's folder.
import { mkdirSync, writeFileSync } from 'node:fs';
import { adminApiPage } from '../admin/document.ts';
import { causesPage } from '../admin-client/document.ts';
import { configurationPage } from '../config/document.ts';
import { metricsPage } from '../telemetry/names/metrics-page.ts';
import { spansPage } from '../telemetry/names/spans-page.ts';
import { DEFAULTS } from './defaults.ts';
import { seenValues } from './seen-values.ts';

mkdirSync('docs', { recursive: true });
writeFileSync('docs/admin-api.md', adminApiPage());
writeFileSync('docs/causes.md', causesPage());
writeFileSync('docs/configuration.md', configurationPage(DEFAULTS));
writeFileSync('docs/metrics.md', metricsPage(await seenValues()));
writeFileSync('docs/spans.md', spansPage());
