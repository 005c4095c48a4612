// resume: after which Close codes nobody comes back.

/** A normal end, and faults that would come again (RFC 6455 §7.4.1): the SDK does not reconnect after these. */
const FINAL = new Set([1000, 1002, 1003, 1007, 1008, 1009, 1010]);

/** Whether a connection that ended with `code` ends its session: also after the codes of frameworks and applications (§7.4.2). */
export function isFinal(code: number): boolean {
  return FINAL.has(code) || (code >= 3000 && code < 5000);
}
