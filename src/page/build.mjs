// page: bundles the live page into dist/page: a script and a style sheet, named after their content. `npm run build`.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = fileURLToPath(new URL('.', import.meta.url));
const outdir = fileURLToPath(new URL('../../dist/page', import.meta.url));

rmSync(outdir, { recursive: true, force: true });
mkdirSync(outdir, { recursive: true });

const { metafile } = await build({
  entryPoints: [join(here, 'main.tsx'), join(here, 'styles/page.css')],
  bundle: true,
  format: 'esm',
  target: ['es2022', 'chrome109', 'firefox115', 'safari16'],
  minify: true,
  jsx: 'automatic',
  jsxImportSource: 'preact',
  entryNames: '[name]-[hash]',
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
  outdir,
});

const named = (ending) => basename(Object.keys(metafile.outputs).find((name) => name.endsWith(ending)) ?? '');
const html = readFileSync(join(here, 'index.html'), 'utf8')
  .replaceAll('SCRIPT', `page/${named('.js')}`)
  .replaceAll('STYLES', `page/${named('.css')}`);
writeFileSync(join(outdir, 'index.html'), html);
writeFileSync(join(outdir, 'icon.svg'), readFileSync(join(here, 'icon.svg')));

/** The bundle contains packages, so that their licences are passed on with it. */
const bundled = new Set(
  Object.keys(metafile.inputs).flatMap((name) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(name)?.[1] ?? []),
);
const licences = [...bundled].sort().map((name) => {
  const folder = fileURLToPath(new URL(`../../node_modules/${name}`, import.meta.url));
  const { version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8').trim()}\n`;
});
writeFileSync(join(outdir, 'licences.txt'), licences.join('\n'));
