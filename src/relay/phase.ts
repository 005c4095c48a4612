// relay: the phases of a connection and the ways between them, as a table that the compiler checks.

/**
 * A phase says which side is there, and whether an end has begun:
 *
 *     phase      client                          upstream                   an end has begun
 *     joined     there                           there                      no
 *     parked     away, and expected back         there                      no
 *     closing    there                           there                      yes
 *     leaving    away, and comes back elsewhere  there, and is told to end  yes
 *     draining   can prove nothing more          there, read to its end     yes
 *     parting    there, its last proof awaited   gone                       yes
 *     over       gone or away                    gone                       yes
 */
export type Phase = 'joined' | 'parked' | 'closing' | 'leaving' | 'draining' | 'parting' | 'over';

/**
 * A step that may change the phase. `parks`: the client has gone and is expected back. `rejoins`: a
 * client has come, in place of one that went or is still there. `ends`: an end has begun.
 * `clientOver`: the client can prove nothing more. `upstreamOver`: the upstream says nothing more.
 */
export type Step = 'parks' | 'rejoins' | 'ends' | 'clientOver' | 'upstreamOver';

/** The phase after each step. A step that is not listed changes nothing. */
const NEXT: Readonly<Record<Phase, Readonly<Partial<Record<Step, Phase>>>>> = {
  joined: { parks: 'parked', rejoins: 'joined', ends: 'closing' },
  parked: { rejoins: 'joined', ends: 'leaving' },
  closing: { clientOver: 'draining', upstreamOver: 'parting' },
  leaving: { upstreamOver: 'over' },
  draining: { upstreamOver: 'over' },
  parting: { clientOver: 'over' },
  over: {},
};

/** The phase after a step; undefined = the step changes nothing. */
export function nextPhase(phase: Phase, step: Step): Phase | undefined {
  return NEXT[phase][step];
}
