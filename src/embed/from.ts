// embed: whose word it is: the backend's own, a user's, or nobody's. A user who is not known must never pass for the backend.

/** Whose word it is. The key `user` decides, also where its value is missing. */
export interface From {
  /**
   * With the key, the word is that user's, and counts for that user's events only. If the value is undefined or null, the word is
   * nobody's: it counts for events that were tracked without a user, and for no user's. Without the key the word is the
   * backend's own, and counts for every event of that id.
   */
  readonly user?: string | null | undefined;
}

/** Stands for the backend itself. */
export const BACKEND = Symbol('backend');
/** A user; undefined = nobody. */
export type Speaker = typeof BACKEND | string | undefined;

/** Throws a RangeError for something that is no object. A user that is no text is nobody: it may be a client's doing. */
export function speakerOf(from: unknown): Speaker {
  if (from === undefined) return BACKEND;
  if (typeof from !== 'object' || from === null || Array.isArray(from))
    throw new RangeError(
      'who speaks is told by an object such as { user }; leave it out for the word of the backend itself',
    );
  return 'user' in from ? known(from.user) : BACKEND;
}

/** The user where there is one. */
export function known(user: unknown): string | undefined {
  return typeof user === 'string' ? user : undefined;
}
