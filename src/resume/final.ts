// resume: Close codes after which no client comes back.

/**
 * Codes of a normal end, and of faults that would come again (RFC 6455 §7.4.1). The SDK does not
 * reconnect after these.
 */
const FINAL = new Set([1000, 1002, 1003, 1007, 1008, 1009, 1010]);

/**
 * Whether a connection that ended with `code` ends its session. The codes of frameworks and
 * applications (§7.4.2) do too.
 */
export function isFinal(code: number): boolean {
  return FINAL.has(code) || (code >= 3000 && code < 5000);
}
