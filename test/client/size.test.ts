// What the SDK weighs: less than 4.1 kB minified and compressed, and it brings nothing along.
import { resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { expect, test } from 'vitest';

test('under 4100 bytes after minification and gzip, with no import left', async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [resolve(import.meta.dirname, '../../src/client/socket.ts')],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
  });
  expect(Object.keys(metafile.inputs).every((path) => path.includes('src/client/'))).toBe(true);
  const bytes = gzipSync(outputFiles[0]!.contents, { level: 9 }).length;
  expect(bytes).toBeLessThan(4100);
  expect(bytes).toBeGreaterThan(1000);
});
