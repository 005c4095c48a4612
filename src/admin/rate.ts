// admin: how often one address may do something: token buckets, in a bounded table.
import { isIPv6 } from 'node:net';

/** Addresses remembered. The one quiet longest is forgotten for a new one. */
const ADDRESS_LIMIT = 1024;

export interface Rate {
  /** Whether the address may go on. Takes one token if so. `at` is monotonic ms. */
  take(address: string, at: number): boolean;
  /** Whether the address has a token, without taking it. */
  has(address: string, at: number): boolean;
  /** Seconds until the address has a token again, at least 1. */
  wait(address: string, at: number): number;
}

/** At most `burst` at once and `perSecond` in the long run, for each address. */
export function createRate(burst: number, perSecond: number): Rate {
  const buckets = new Map<string, { tokens: number; at: number }>();
  const filled = (name: string, at: number): { tokens: number; at: number } => {
    const bucket = buckets.get(name) ?? { tokens: burst, at };
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, at - bucket.at) / 1000) * perSecond);
    bucket.at = at;
    return bucket;
  };
  return {
    has: (address, at) => filled(callerOf(address), at).tokens >= 1,
    take(address, at) {
      const name = callerOf(address);
      const bucket = filled(name, at);
      buckets.delete(name);
      buckets.set(name, bucket);
      if (buckets.size > ADDRESS_LIMIT) buckets.delete(buckets.keys().next().value as string);
      if (bucket.tokens < 1) return false;
      bucket.tokens--;
      return true;
    },
    wait: (address, at) => Math.max(1, Math.ceil((1 - filled(callerOf(address), at).tokens) / perSecond)),
  };
}

/**
 * The name under which an address is counted. One customer has a whole /64 of IPv6 (RFC 6177), so
 * that counting each address of it would count nothing.
 */
function callerOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.split('%', 1)[0] as string).split('::');
  const first = head === '' ? [] : head.split(':');
  const rest = tail === undefined || tail === '' ? [] : tail.split(':');
  // An embedded IPv4 address takes two groups.
  const missing = 8 - first.length - rest.length - (address.includes('.') ? 1 : 0);
  const groups = tail === undefined ? first : [...first, ...Array(Math.max(0, missing)).fill('0'), ...rest];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':');
}
