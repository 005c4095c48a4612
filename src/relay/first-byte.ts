// relay: client to upstream: tells by the first byte which masked messages are offered to the tap.

/**
 * What the first byte of a message says. `theirs`: not for the tap. `ours`: perhaps for the
 * tap. `blank`: the next byte decides.
 */
export const FIRST_BYTE = { theirs: 0, ours: 1, blank: 2 } as const;

/** A table that offers no message. */
export const NOTHING = new Uint8Array(256).fill(FIRST_BYTE.theirs);

/** The default table, which offers messages that begin as a JSON object does. */
export const OBJECTS = NOTHING.map((theirs, byte) => {
  if (byte === 0x7b) return FIRST_BYTE.ours;
  return [0x20, 0x0a, 0x0d, 0x09].includes(byte) ? FIRST_BYTE.blank : theirs;
});

/**
 * The answer of table `first` (`Tap.begins`) for the masked message `buf[start, end)`. `blank` is
 * the answer while no byte decides.
 */
export function beginsOurs(
  buf: Buffer,
  start: number,
  end: number,
  key: number,
  first: Uint8Array,
  blank: boolean,
): boolean {
  for (let i = start; i < end; i++) {
    const said = first[buf[i]! ^ ((key >>> (24 - (((i - start) & 3) << 3))) & 0xff)];
    if (said === FIRST_BYTE.ours) return true;
    if (said !== FIRST_BYTE.blank) return false;
  }
  return blank;
}
