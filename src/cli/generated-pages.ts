// cli: the pages that follow from the code: docs/admin-api.md, causes.md, configuration.md, debugging.md, metrics.md …
import { adminApiPage } from '../admin/document.ts';
import { causesPage } from '../admin-client/document.ts';
import { debuggingPage } from '../channels/page.ts';
import { configurationPage } from '../config/document.ts';
import { metricsPage } from '../telemetry/names/metrics-page.ts';
import { spansPage } from '../telemetry/names/spans-page.ts';
import { DEFAULTS } from './defaults.ts';
import { inLines } from './page-lines.ts';
import { seenValues } from './seen-values.ts';

/** The text of each page, by its path. */
export async function generatedPages(): Promise<ReadonlyMap<string, string>> {
  const pages: Readonly<Record<string, string>> = {
    'docs/admin-api.md': adminApiPage(),
    'docs/causes.md': causesPage(),
    'docs/configuration.md': configurationPage(DEFAULTS),
    'docs/debugging.md': debuggingPage(),
    'docs/metrics.md': metricsPage(await seenValues()),
    'docs/spans.md': spansPage(),
  };
  return new Map(Object.entries(pages).map(([path, text]) => [path, inLines(text)]));
}
