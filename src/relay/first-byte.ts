// relay, client → upstream: tells by the first byte which text messages the tap wants to be offered, masked as they came.

/** What the first byte of a text message says: the tap does not want it, it may be one for the tap, or the next byte tells. */
export const FIRST_BYTE = { theirs: 0, ours: 1, blank: 2 } as const;

/** Nothing is offered. */
export const NOTHING = new Uint8Array(256).fill(FIRST_BYTE.theirs);

/** For a tap that does not say: texts that begin as a JSON object does. */
export const OBJECTS = NOTHING.map((theirs, byte) => {
  if (byte === 0x7b) return FIRST_BYTE.ours;
  return [0x20, 0x0a, 0x0d, 0x09].includes(byte) ? FIRST_BYTE.blank : theirs;
});

/**
 * Whether the masked text `buf[start, end)` begins as one that the tap wants does: `first` says that of its first byte (`Tap.begins`).
 * `blank` is the answer while there is no byte that tells.
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
