// delivery: the name of a delivery in texts: its process or store, and its number. Computed when it is asked for.

/**
 * Tells the deliveries of this process, or of the store that it goes on with, from those of others.
 * `''` = there is one process only.
 */
let instance = '';

/** Names the process, once, before its first delivery: letters and digits. */
export function nameInstance(name: string): void {
  instance = name === '' ? '' : `${name}-`;
}

/** A name for a process that goes on with nothing: 5 letters and digits. */
export function randomInstance(random: () => number): string {
  return Math.floor(random() * 36 ** 5)
    .toString(36)
    .padStart(5, '0');
}

/** `d-INSTANCE-NUMBER`, the number in base 36; without a name `d-NUMBER`. */
export function deliveryId(seq: number): string {
  return `d-${instance}${seq.toString(36)}`;
}

/** The number in an id of this process; NaN for every other text. */
export function seqOfId(id: string): number {
  const seq = Number.parseInt(id.slice(id.lastIndexOf('-') + 1), 36);
  return deliveryId(seq) === id ? seq : Number.NaN;
}
