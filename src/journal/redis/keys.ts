// journal: the names of all keys in Redis; the part in braces puts the keys of one script into one slot.

export interface Keys {
  /** A hash: one session with its deliveries in flight and their messages. */
  session(id: string): string;
  /** A hash: deliveries in flight of clients that have not opted in, by number. */
  open(instance: string): string;
  /** A set: the sessions that the instance has, and perhaps some that it had. */
  held(instance: string): string;
  /**
   * A set: numbers of deliveries that another instance has ended, because this one was taken for
   * dead.
   */
  taken(instance: string): string;
  /** How often the instance has found that out: one that looked before takes no more. */
  fence(instance: string): string;
  /** A hash: those of them that do not have their outcome yet, as in `open`. */
  ending(instance: string): string;
  /** A sorted set: when each instance was last there, by the clock of Redis. */
  readonly leases: string;
  /** A hash: what is to be known of each instance. */
  readonly about: string;
  /** A hash: which instance sees to what a dead one has left, and until when. */
  readonly reapers: string;
  /** A sorted set: until when Redis has read what each instance wrote, by the clock of Redis. */
  readonly marks: string;
  /** The secret behind resume tokens, and a set of all that were used for a while. */
  readonly secret: string;
  readonly secrets: string;
  /** Counts the ranges of numbers that were given out. */
  readonly numbers: string;
  /** A stream: the dead letters of all instances, in the order in which they came. */
  readonly letters: string;
  /** Bytes of the dead letters. */
  readonly letterBytes: string;
  /** A stream: which dead letters are of one owner, who is named by a digest. */
  lettersOf(owner: string): string;
  /** When the owner's dead letters were purged. */
  purged(owner: string): string;
  /** The dead letter of that delivery has been written. */
  letterOnce(seq: number): string;
  /** Where one instance is told something, and where all are. */
  channel(instance: string): string;
  readonly everyone: string;
  /** What becomes of what the instance writes. */
  echo(instance: string): string;
  /**
   * Nothing is published there. Its subscriber is the connection on which the instance writes,
   * until Redis has read all that came over it.
   */
  presence(instance: string): string;
}

/** `prefix` keeps the stores of several deployments apart. */
export function keysOf(prefix: string): Keys {
  return {
    session: (id) => `${prefix}:session:{${id}}`,
    open: (instance) => `${prefix}:{${instance}}:open`,
    held: (instance) => `${prefix}:{${instance}}:held`,
    taken: (instance) => `${prefix}:{${instance}}:taken`,
    fence: (instance) => `${prefix}:{${instance}}:fence`,
    ending: (instance) => `${prefix}:{${instance}}:ending`,
    leases: `${prefix}:{instances}:leases`,
    about: `${prefix}:{instances}:about`,
    reapers: `${prefix}:{instances}:reapers`,
    marks: `${prefix}:{instances}:marks`,
    secret: `${prefix}:secret`,
    secrets: `${prefix}:secrets`,
    numbers: `${prefix}:numbers`,
    letters: `${prefix}:{letters}:all`,
    letterBytes: `${prefix}:{letters}:bytes`,
    lettersOf: (owner) => `${prefix}:{letters}:of:${owner}`,
    purged: (owner) => `${prefix}:{letters}:purged:${owner}`,
    letterOnce: (seq) => `${prefix}:{letters}:once:${seq}`,
    channel: (instance) => `${prefix}:to:${instance}`,
    everyone: `${prefix}:to-all`,
    echo: (instance) => `${prefix}:echo:${instance}`,
    presence: (instance) => `${prefix}:presence:${instance}`,
  };
}
