// decode: the first bytes of client messages that a protocol wants to see. All other messages go on unread.

/**
 * What the first byte of a client's text message tells: `theirs` = the message is not for a
 * protocol, `ours` = it may be, `blank` = the next byte decides.
 */
export const FIRST_BYTE = { theirs: 0, ours: 1, blank: 2 } as const;

/**
 * A `FIRST_BYTE` for each of the 256 bytes. The relay asks it of every frame that a client sends.
 */
export type FirstBytes = Uint8Array;

const BLANKS = ' \n\r\t';
/** Frames of the SDK begin so in every protocol. */
const SDK = '{';

/**
 * The table for messages that begin with one of the (Latin-1) characters of `ours`. Frames of the
 * SDK are always in it.
 */
export function firstBytes(ours = ''): FirstBytes {
  const table = new Uint8Array(256).fill(FIRST_BYTE.theirs);
  for (const byte of Buffer.from(BLANKS, 'latin1')) table[byte] = FIRST_BYTE.blank;
  for (const byte of Buffer.from(SDK + ours, 'latin1')) table[byte] = FIRST_BYTE.ours;
  return table;
}

/** The table for messages that any of several protocols wants to see. */
export function joinedFirstBytes(tables: readonly FirstBytes[]): FirstBytes {
  return firstBytes().map((own, byte) => {
    const said = tables.map((table) => table[byte]!);
    if (said.includes(FIRST_BYTE.ours)) return FIRST_BYTE.ours;
    return said.includes(FIRST_BYTE.blank) ? FIRST_BYTE.blank : own;
  });
}
