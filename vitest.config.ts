// How the tests run: one process a file, no retries (a flaky test is a bug), generous bounds because machines are shared.
import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 60_000,
    retry: 0,
    // Most tests wait most of the time. Two files at a time keep two cores busy.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // Of the few tests that run beside each other in one file: each starts a process.
    maxConcurrency: 2,
    reporters: ['default', ['json', { outputFile: '.cache/vitest.json' }]],
  },
});
