// The table of phases: what each step leads to, and that no way leads back from an end.
import { expect, it } from 'vitest';
import { nextPhase, type Phase, type Step } from '../../src/relay/phase.ts';

const PHASES: readonly Phase[] = ['joined', 'parked', 'closing', 'leaving', 'draining', 'parting', 'over'];
const STEPS: readonly Step[] = ['parks', 'rejoins', 'ends', 'clientOver', 'upstreamOver'];
const ALIVE: readonly Phase[] = ['joined', 'parked'];

/** The phase behind all of these steps. */
function after(...steps: Step[]): Phase {
  return steps.reduce<Phase>((phase, step) => nextPhase(phase, step) ?? phase, 'joined');
}

function reachable(from: Phase): Set<Phase> {
  const seen = new Set([from]);
  for (const phase of seen) for (const step of STEPS) seen.add(nextPhase(phase, step) ?? phase);
  return seen;
}

it('[W10] a client may go and come back any number of times', () => {
  expect(after('parks')).toBe('parked');
  expect(after('parks', 'rejoins', 'rejoins', 'parks', 'rejoins')).toBe('joined');
});

it('[W14] a connection is over when both sides are, in either order; one without a client when its upstream is', () => {
  expect(after('ends', 'clientOver', 'upstreamOver')).toBe('over');
  expect(after('ends', 'upstreamOver', 'clientOver')).toBe('over');
  expect(after('parks', 'ends', 'upstreamOver')).toBe('over');
});

it('[W14] neither side is over before somebody has begun an end', () => {
  for (const phase of ALIVE)
    for (const step of ['clientOver', 'upstreamOver'] as const) expect(nextPhase(phase, step)).toBeUndefined();
});

it('[W14] every phase is reached, every phase leads to the end, and no end leads back', () => {
  expect([...reachable('joined')].sort()).toEqual([...PHASES].sort());
  for (const phase of PHASES) {
    const then = reachable(phase);
    expect(then, phase).toContain('over');
    if (!ALIVE.includes(phase)) for (const alive of ALIVE) expect(then, phase).not.toContain(alive);
  }
  expect(reachable('over').size).toBe(1);
});
