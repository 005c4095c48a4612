// The judge of `npm run fleets`: what it calls two outcomes, none, and not true.
import { expect, it } from 'vitest';
import { type End, type Fate, judge } from './judge.ts';

const end = (instance: string, outcome: string): End => ({ instance, outcome, at: 0 });
const fate = (begun: string, handed: boolean, ...ends: End[]): Fate => ({ begun: [...begun], handed, ends });

it('deliveries are judged over all instances, and what nobody has read is nobody’s', () => {
  const fates = new Map<string, Fate>([
    ['u0-1', fate('A', true, end('A', 'confirmed'))],
    ['u0-2', fate('A', true, end('A', 'confirmed'), end('B', 'unverifiable: client_left'))],
    ['u0-3', fate('AB', true, end('B', 'confirmed'), end('B', 'confirmed'))],
    ['u0-4', fate('A', false)],
    ['u0-5', fate('', true)],
    ['u0-6', fate('', false)],
    ['u0-7', fate('B', false, end('B', 'confirmed'))],
    ['u0-8', fate('B', true, end('B', 'failed: disconnected'))],
    ['u0-9', fate('B', false, end('B', 'failed: disconnected'))],
  ]);
  expect(judge(fates)).toEqual({
    ...{ deliveries: 8, confirmed: 4, denied: 1 },
    ...{ two: ['u0-2', 'u0-3'], none: ['u0-4', 'u0-5'], untrue: ['u0-7'] },
  });
});
