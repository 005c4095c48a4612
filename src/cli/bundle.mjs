// cli: bundles the command and every package that it needs: dist/cli/main.js and dist/command. Part of the build.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { packagesInParts } from './bundle-packages.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

/**
 * CommonJS packages ask for modules of Node. For a package that is not there (`bufferutil`), `ws` waits for this error.
 */
const REQUIRE = `const require = (name) => {
  const found = process.getBuiltinModule(name);
  if (found === undefined) throw Object.assign(new Error("Cannot find module '" + name + "'"), { code: 'MODULE_NOT_FOUND' });
  return found;
};`;

const shared = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20.19',
  // The modules' own form can be taken apart; CommonJS comes whole.
  mainFields: ['module', 'main'],
  conditions: ['module', 'import'],
  // Names stay: the stack of a crash tells functions, and the map beside each file tells lines.
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 240,
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'none',
  banner: { js: REQUIRE },
  metafile: true,
  logLevel: 'warning',
  allowOverwrite: true,
};

/** The version of the build, which src/version.ts reads from a file that lies elsewhere for a bundle. */
const versionInside = {
  name: 'version-inside',
  setup(bundler) {
    bundler.onLoad({ filter: /\/src\/version\.ts$/ }, () => ({
      contents: `export const VERSION = ${JSON.stringify(version)};`,
    }));
  },
};

/** Entries of the commands' bundle: name of the file → module. Filled by the imports that lead to them. */
const entries = {};
const MCP = 'command/mcp';

/**
 * Leaves imports to other bundles, whose files lie in `folder`. So a start reads few files, and of what several commands share only
 * its own part.
 */
function apart(folder) {
  const at = (name) => ({ path: `${folder}/${name}.js`, external: true });
  const dynamic = (bundler, filter, answer) =>
    bundler.onResolve({ filter }, (asked) => (asked.kind === 'dynamic-import' ? answer(asked) : undefined));
  return {
    name: 'apart',
    setup(bundler) {
      bundler.onResolve({ filter: /^commander$/ }, () => at('commander'));
      dynamic(bundler, /\/(?:run|sidecar)\.ts$/, () => at('run'));
      dynamic(bundler, /^\.\/(?:admin\/)?[a-z]+\.ts$/, ({ path, resolveDir }) => {
        entries[`command/${basename(path, '.ts')}`] = join(resolveDir, path);
        return at(basename(path, '.ts'));
      });
    },
  };
}

rmSync(join(root, 'dist/command'), { recursive: true, force: true });
const bundle = ({ plugins = [], ...options }) => build({ ...shared, ...options, plugins: [versionInside, ...plugins] });
const bundles = [
  // The door, which finds the command. A start reads it, commander, and `run` with what only OTLP needs.
  await bundle({
    outfile: 'dist/cli/main.js',
    entryPoints: ['src/cli/main.ts'],
    plugins: [apart('../command')],
  }),
  await bundle({ outfile: 'dist/command/commander.js', entryPoints: ['commander'], mainFields: ['main'] }),
  await bundle({
    outdir: 'dist/command',
    format: 'cjs',
    stdin: {
      contents: `export { defineRun } from './cli/run.ts';\nexport { createSidecar } from './sidecar/sidecar.ts';`,
      resolveDir: join(root, 'src'),
      sourcefile: 'run.ts',
      loader: 'ts',
    },
    entryNames: 'run-[hash]',
    outExtension: { '.js': '.cjs' },
    // What openBundle of code-cache.ts expects.
    banner: { js: '(function (require, module, exports, here) {' },
    footer: { js: '})' },
    define: { 'import.meta.url': 'here' },
    // Code out of V8's cache has no way to import.
    supported: { 'dynamic-import': false },
    plugins: [apart('.'), ...packagesInParts],
  }),
  await bundle({
    outdir: 'dist',
    splitting: true,
    entryPoints: {
      ...Object.fromEntries(Object.entries(entries).filter(([name]) => name !== MCP)),
      'demo/backend-process': 'src/demo/backend-process.ts',
      'demo/clients-process': 'src/demo/clients-process.ts',
    },
    chunkNames: 'command/[name]-[hash]',
    plugins: [apart('.'), ...packagesInParts],
  }),
  // A bundle of its own: with the other commands its server would share all of zod. Errors that it tells apart are of its own copy.
  await bundle({
    outdir: 'dist/command',
    splitting: true,
    entryPoints: { mcp: entries[MCP] },
    chunkNames: 'mcp-[name]-[hash]',
    plugins: [apart('.')],
  }),
];

const run = Object.keys(bundles[2].metafile.outputs).find((name) => name.endsWith('.cjs'));
await bundle({
  outfile: 'dist/command/run.js',
  stdin: {
    contents: `import { openBundle } from './code-cache.ts';
      import { settleHeapFlags } from './heap-flags.ts';
      settleHeapFlags();
      export const bundle = openBundle(new URL(${JSON.stringify(`./${basename(run)}`)}, import.meta.url));
      export const { defineRun, createSidecar } = bundle.exports;`,
    resolveDir: join(root, 'src/cli'),
    loader: 'ts',
  },
});

/** What is bundled is passed on: its licences go along. The bill of materials of a release reads the names and versions here. */
const inputs = bundles.flatMap(({ metafile }) =>
  Object.values(metafile.outputs).flatMap((out) => Object.keys(out.inputs)),
);
const folders = inputs.flatMap((name) => /^(?:[^:]*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(name)?.[0] ?? []);
const licences = [...new Set(folders)].map((folder) => {
  const { name, version: of, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const file = readdirSync(join(root, folder)).find((each) => /^licen[cs]e/i.test(each));
  const text = file === undefined ? '' : `\n${readFileSync(join(root, folder, file), 'utf8').trim()}\n`;
  return `${name} ${of} (${license})\n${text}`;
});
writeFileSync(join(root, 'dist/command/licences.txt'), licences.sort().join('\n'));

const warmed = spawnSync(process.execPath, [fileURLToPath(new URL('warm.mjs', import.meta.url))], {
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (warmed.status !== 0)
  throw new Error(`the bundled sidecar could not be started (${warmed.signal ?? warmed.status})`);
