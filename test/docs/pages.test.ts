// Docs: reading pages finds the code and the links in them, with their lines.
import { expect, it } from 'vitest';
import { at, codeOf, linksOf } from './pages.ts';

const page = {
  path: 'docs/a.md',
  text: [
    'Look at `src/x.ts` and `run()`.',
    '```sh',
    'npm run x',
    '`not this`',
    '```',
    '[b](b.md#part) [c](https://c) `[d](e)`',
    '[up](../f.md)',
  ].join('\n'),
};

it('code between backticks and between fences', () => {
  expect(codeOf(page).map((code) => [at(code), code.text, code.fence])).toEqual([
    ['docs/a.md:1', 'src/x.ts', undefined],
    ['docs/a.md:1', 'run()', undefined],
    ['docs/a.md:3', 'npm run x\n`not this`', 'sh'],
    ['docs/a.md:6', '[d](e)', undefined],
  ]);
});

it('links to files, from where the page is', () => {
  expect(linksOf(page)).toEqual([
    { line: 6, path: 'docs/b.md', anchor: 'part' },
    { line: 7, path: 'f.md', anchor: '' },
  ]);
});
