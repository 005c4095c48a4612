// relay: the phases of a connection and the ways between them, as a table that the compiler checks.

/**
 * Who is there, and whether an end has begun:
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
 * What brings a connection from one phase to another. `parks`: the client has gone and is expected back. `rejoins`: a client has come,
 * in place of one that went or is still there. `ends`: somebody has begun an end. `clientOver`: the client can prove nothing more.
 * `upstreamOver`: the upstream says nothing more.
 */
export type Step = 'parks' | 'rejoins' | 'ends' | 'clientOver' | 'upstreamOver';

/** A step that is not listed cannot be taken, or changes nothing. */
const NEXT: Readonly<Record<Phase, Readonly<Partial<Record<Step, Phase>>>>> = {
  joined: { parks: 'parked', rejoins: 'joined', ends: 'closing' },
  parked: { rejoins: 'joined', ends: 'leaving' },
  closing: { clientOver: 'draining', upstreamOver: 'parting' },
  leaving: { upstreamOver: 'over' },
  draining: { upstreamOver: 'over' },
  parting: { clientOver: 'over' },
  over: {},
};

/** The phase behind a step; undefined where the step changes nothing. */
export function nextPhase(phase: Phase, step: Step): Phase | undefined {
  return NEXT[phase][step];
}
