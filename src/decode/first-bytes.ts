// decode: which messages of a client a protocol wants to see, told by their first byte, so that all others go on without a look.

/** What the first byte of a client's text message says: nothing of ours begins so, something of ours may, or the next byte tells. */
export const FIRST_BYTE = { theirs: 0, ours: 1, blank: 2 } as const;

/** A `FIRST_BYTE` for each of the 256 bytes. The relay asks it of every frame that a client sends. */
export type FirstBytes = Uint8Array;

const BLANKS = ' \n\r\t';
/** What the SDK says begins so in every protocol. */
const SDK = '{';

/** The table for messages that begin with one of the (Latin-1) characters of `ours`; what the SDK says is always in it. */
export function firstBytes(ours = ''): FirstBytes {
  const table = new Uint8Array(256).fill(FIRST_BYTE.theirs);
  for (const byte of Buffer.from(BLANKS, 'latin1')) table[byte] = FIRST_BYTE.blank;
  for (const byte of Buffer.from(SDK + ours, 'latin1')) table[byte] = FIRST_BYTE.ours;
  return table;
}

/** The table for messages that one of several protocols wants to see. */
export function joinedFirstBytes(tables: readonly FirstBytes[]): FirstBytes {
  return firstBytes().map((own, byte) => {
    const said = tables.map((table) => table[byte]!);
    if (said.includes(FIRST_BYTE.ours)) return FIRST_BYTE.ours;
    return said.includes(FIRST_BYTE.blank) ? FIRST_BYTE.blank : own;
  });
}
