// admin: how often one address may do something: token buckets, in a bounded table.

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
  const filled = (address: string, at: number): { tokens: number; at: number } => {
    const bucket = buckets.get(address) ?? { tokens: burst, at };
    bucket.tokens = Math.min(burst, bucket.tokens + (Math.max(0, at - bucket.at) / 1000) * perSecond);
    bucket.at = at;
    return bucket;
  };
  return {
    has: (address, at) => filled(address, at).tokens >= 1,
    take(address, at) {
      const bucket = filled(address, at);
      buckets.delete(address);
      buckets.set(address, bucket);
      if (buckets.size > ADDRESS_LIMIT) buckets.delete(buckets.keys().next().value as string);
      if (bucket.tokens < 1) return false;
      bucket.tokens--;
      return true;
    },
    wait: (address, at) => Math.max(1, Math.ceil((1 - filled(address, at).tokens) / perSecond)),
  };
}
