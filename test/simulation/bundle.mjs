// Simulation: bundles it, with the relay's private names open, so that old behaviours can be put back at run time.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';

const ROOT = resolve(import.meta.dirname, '../..');

/** Members that are private to a class of the relay (`#name`) become ordinary ones (`name`). */
const open = {
  name: 'open',
  setup({ onLoad }) {
    onLoad({ filter: /src\/relay\/[^/]+\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      return { loader: 'ts', contents: text.replace(/(?<![\w'"`&])#(?=[A-Za-z_])/g, '') };
    });
  },
};

await build({
  entryPoints: [join(ROOT, 'test/simulation/main.ts')],
  // In a folder beside package.json, which the sidecar reads its version from.
  outfile: join(ROOT, '.cache/simulation.mjs'),
  bundle: true,
  platform: 'node',
  format: 'esm',
  packages: 'external',
  logLevel: 'warning',
  plugins: [open],
  // Two members of one name would be one: the build fails then.
  logOverride: { 'duplicate-class-member': 'error' },
});
