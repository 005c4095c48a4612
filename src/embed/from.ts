// embed: who confirms: the backend itself, a user, or a client without a user, who must never pass for the backend.

/**
 * The sender of a confirmation. The presence of the key `user` decides, also where its value is
 * missing.
 */
export interface From {
  /**
   * With the key, the confirmation is that user's, and counts for that user's events only. If the
   * value is undefined or null, it comes from a client without a user, and counts for events that
   * were tracked without a user. Without the key the confirmation is the backend's own, and counts
   * for every event of that id.
   */
  readonly user?: string | null | undefined;
}

/** Stands for the backend itself. */
export const BACKEND = Symbol('backend');
/** A user; undefined = a client without one. */
export type Speaker = typeof BACKEND | string | undefined;

/**
 * Throws a RangeError for a value that is no object, or whose user cannot be read. A user that is
 * no text counts as none: it may come from a client.
 */
export function speakerOf(from: unknown): Speaker {
  if (from === undefined) return BACKEND;
  try {
    if (typeof from === 'object' && from !== null && !Array.isArray(from))
      return 'user' in from ? known(from.user) : BACKEND;
  } catch (cause) {
    throw new RangeError('who speaks cannot be read', { cause });
  }
  throw new RangeError(
    'who speaks is told by an object such as { user }; leave it out for the word of the backend itself',
  );
}

/** The user where there is one. */
export function known(user: unknown): string | undefined {
  return typeof user === 'string' ? user : undefined;
}
