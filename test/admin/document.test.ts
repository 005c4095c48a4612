// docs/admin-api.md against the description that it is written from.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { adminApiPage } from '../../src/admin/document.ts';
import { PATHS } from '../../src/admin/openapi.ts';

const page = readFileSync(new URL('../../docs/admin-api.md', import.meta.url), 'utf8');

it('docs/admin-api.md is what `npm run docs` writes', () => {
  expect(page).toBe(adminApiPage());
});

it.each(Object.keys(PATHS))('%s has a section', (path) => {
  expect(page).toContain(` ${path}\n`);
});
