// The page and the table say the same, and the file at the end of the page is the default configuration.
import { expect, it } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { configurationPage, exampleFile, keyList } from '../../src/config/document.ts';
import { formatFault } from '../../src/config/fault.ts';
import { loadConfig } from '../../src/config/load.ts';
import { envName } from '../../src/config/row.ts';
import { TABLE } from '../../src/config/schema.ts';

it('the page and the key list name every key and its variable', () => {
  for (const text of [configurationPage(DEFAULTS), keyList()]) {
    for (const row of TABLE) {
      expect(text).toContain(row.key);
      expect(text).toContain(envName(row.key));
    }
  }
});

it('the defaults written as a file are read back to the defaults', () => {
  const text = exampleFile(DEFAULTS);
  const read = loadConfig({ env: {}, file: { name: 'example.yaml', text }, defaults: DEFAULTS });
  expect(read.faults.map(formatFault)).toEqual([]);
  const bare = loadConfig({ env: { ACKSPAN_UPSTREAM: 'http://127.0.0.1:8000' }, defaults: DEFAULTS });
  expect(read.config).toEqual(bare.config);
});
