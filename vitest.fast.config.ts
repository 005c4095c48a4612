// `npm run test:fast`: what says in under a minute whether a change breaks something. `npm test` runs the rest, and all of it longer.
import { configDefaults, defineConfig, mergeConfig } from 'vitest/config';
import all from './vitest.config.ts';

/** Rooms where whole programs meet: browsers, Python, Prometheus, child processes of ours. */
const PROGRAMS = [
  'e2e',
  'kills',
  'failures',
  'pack',
  'cli',
  'demo',
  'dev',
  'bench',
  'simulation',
  'fuzz',
  'hostile',
  'examples',
];

/** Files in other rooms that start a program, or are long by nature: thousands of conversations, the compiler over every file. */
const FILES = [
  'test/client/back-forward.test.ts',
  'test/client/browser.test.ts',
  'test/hooks/docs.test.ts',
  'test/journal/earlier-versions.test.ts',
  'test/journal/redis-letters.test.ts',
  'test/journal/redis-orphans.test.ts',
  'test/journal/redis-reaper.test.ts',
  'test/journal/redis-taken.test.ts',
  'test/mcp/server.test.ts',
  'test/promises.test.ts',
  'test/relay/collected.test.ts',
  'test/relay/conformance.test.ts',
  'test/relay/conversation-sockets.test.ts',
  'test/relay/direct.test.ts',
  'test/sidecar/admission.test.ts',
  'test/sidecar/upstream-check.test.ts',
];

/** Globs of the tests that are left out. */
export const LEFT_OUT: readonly string[] = [...PROGRAMS.map((room) => `test/${room}/**`), ...FILES];

export default mergeConfig(
  all,
  defineConfig({
    test: {
      // One core has nothing else to do: the short files leave little to the main process.
      maxWorkers: '100%',
      exclude: [...configDefaults.exclude, ...LEFT_OUT],
      env: {
        // One random case in twenty; FC_RUNS=1 has all of them.
        FC_RUNS: process.env.FC_RUNS ?? '0.05',
        // No program is found: a test that needs one fails here, however many are installed.
        PATH: '/nowhere',
      },
    },
  }),
);
