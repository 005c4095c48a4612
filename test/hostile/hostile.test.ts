// What `npm run hostile` tries ten million times, in short: no word of a stranger counts, under any configuration of identity.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chosenSeed, withSeed } from '../support/chance.ts';
import { serveKeys, settings } from './settings.ts';
import { tryStrangers } from './trial.ts';

const TRIES = 100_000;
let keys: Awaited<ReturnType<typeof serveKeys>>;
beforeAll(async () => {
  keys = await serveKeys();
});
afterAll(() => keys.close());

/**
 * Whether victims are proven under that configuration, so that their own second connection may
 * confirm.
 */
const proves = (name: string) => /trust: upstream|jwt_key|jwks_url/.test(name);

describe('[D19] strangers', () => {
  it.each(settings('').map(({ name }, index) => [name, index] as const))(
    '%s',
    async (name, index) => {
      await withSeed(chosenSeed(), async (chance) => {
        const outcome = await tryStrangers(settings(keys.url)[index]!, TRIES, chance);
        expect(outcome).toMatchObject({ accepted: 0, control: proves(name) ? 4 : 0 });
        expect(outcome.tried).toBeGreaterThanOrEqual(TRIES);
        expect(outcome.strangers.letIn).toBeGreaterThan(0);
      });
    },
    60_000,
  );
});
