// docs/admin-api.md has a section for each resource of the API.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { PATHS } from '../../src/admin/openapi.ts';

const page = readFileSync(new URL('../../docs/admin-api.md', import.meta.url), 'utf8');

it.each(Object.keys(PATHS))('%s has a section', (path) => {
  expect(page).toContain(` ${path}\n`);
});
