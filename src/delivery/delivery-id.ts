// delivery: the name of a delivery in texts: the process it belongs to, and its number there. Computed when somebody asks.

/** Tells the deliveries of this process from those of the one before and of those beside it; `''` = there is one process only. */
let instance = '';

/** Names the process, once, before its first delivery: letters and digits. */
export function nameInstance(name: string): void {
  instance = name === '' ? '' : `${name}-`;
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
