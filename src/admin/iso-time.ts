// admin: times as answers show them: by the wall clock as it stands when they are read (SPEC D18).
import type { AdminDeps } from './ports.ts';

/** A monotonic time as ISO 8601 with ms, UTC. */
export function isoTime(at: number, { wallOf }: Pick<AdminDeps, 'wallOf'>): string {
  return new Date(wallOf(at)).toISOString();
}
