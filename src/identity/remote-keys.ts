// identity: the keys of a JWKS, fetched when a token needs them and kept for a while by the monotonic clock (SPEC D18).
import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import type { Report } from '../delivery/ports.ts';
import { patiently } from '../time/patience.ts';

export interface RemoteKeyDeps {
  /** Monotonic ms. */
  readonly now: () => number;
  readonly report: Report;
}

/** The keys could not be had. That says nothing about the token. */
export class KeysUnavailable extends Error {}

/** How long fetched keys are good, ms. */
const KEEP_MS = 600_000;
/**
 * A key id that is not among the keys may be that of a new key, or made up. The keys are fetched
 * again for it at most three times at once, and once in 30 s (the cool-down of jose) over time.
 */
const UNKNOWN_KEY_BURST = 3;
const UNKNOWN_KEY_MS = 30_000;
/** How long the key server is left alone after a failed fetch, ms. */
const BACK_OFF_MS = 5_000;
/** How long a fetch of keys may take, ms. Standstills do not count (SPEC D14). */
const FETCH_MS = 5_000;
/** Largest JWKS document, characters. */
const MAX_JWKS_LENGTH = 1_048_576;

interface Kept {
  readonly keyOf: JWTVerifyGetKey;
  /** Monotonic ms. */
  readonly since: number;
  /** The key id for which they were fetched: it is not asked for again while they are new. */
  readonly soughtKey: string | undefined;
}

/**
 * Returns the key for a token's header, from the JWKS at `url`. Rejects with `KeysUnavailable` when
 * the keys cannot be had, else with an error of jose's. jose's own remote key set counts by the
 * wall clock: set back, that clock would keep withdrawn keys and refuse new ones for hours.
 */
export function createRemoteKeys(url: string, deps: RemoteKeyDeps): JWTVerifyGetKey {
  const fetchKeys = createKeyFetch(url, deps);
  let kept: Kept | undefined;
  let fetching: Promise<Kept> | undefined;
  let left = UNKNOWN_KEY_BURST;
  let countedAt = deps.now();

  function renewed(soughtKey?: string): Promise<Kept> {
    fetching ??= fetchKeys()
      .then((keyOf) => (kept = { keyOf, since: deps.now(), soughtKey }))
      .finally(() => {
        fetching = undefined;
      });
    return fetching;
  }

  /** Whether the keys may be fetched for a key id that `current` has not. */
  function maySeek(key: string | undefined, current: Kept): boolean {
    if (fetching !== undefined) return true;
    const now = deps.now();
    left = Math.min(UNKNOWN_KEY_BURST, left + (now - countedAt) / UNKNOWN_KEY_MS);
    countedAt = now;
    if (left < 1 || (key === current.soughtKey && now - current.since < UNKNOWN_KEY_MS)) return false;
    left--;
    return true;
  }

  return async (header, token) => {
    const current = kept !== undefined && deps.now() - kept.since < KEEP_MS ? kept : await renewed(header?.kid);
    try {
      return await current.keyOf(header, token);
    } catch (error) {
      const unknown = (error as { code?: unknown }).code === 'ERR_JWKS_NO_MATCHING_KEY';
      if (!unknown || !maySeek(header?.kid, current)) throw error;
      return (await renewed(header?.kid)).keyOf(header, token);
    }
  };
}

/** Fetches keys. Leaves a failing server alone for a while, and reports each failure once. */
function createKeyFetch(url: string, { now, report }: RemoteKeyDeps): () => Promise<JWTVerifyGetKey> {
  let retryAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (now() < retryAt) throw new KeysUnavailable('the key server failed a moment ago');
    const late = new AbortController();
    const wait = patiently(FETCH_MS, () => late.abort(new Error(`it did not answer within ${FETCH_MS} ms`)));
    try {
      const { createLocalJWKSet } = await import('jose/jwks/local');
      const response = await fetch(url, {
        headers: { accept: 'application/json, application/jwk-set+json' },
        redirect: 'manual',
        signal: late.signal,
      });
      const text = await response.text();
      if (response.status !== 200) throw new Error(`it answered ${response.status}`);
      if (text.length > MAX_JWKS_LENGTH) throw new Error(`its answer has ${text.length} characters`);
      return createLocalJWKSet(JSON.parse(text) as JSONWebKeySet);
    } catch (error) {
      retryAt = now() + BACK_OFF_MS;
      report({ stage: 'identity', error: new Error('the keys for JWTs cannot be fetched', { cause: error }) });
      throw new KeysUnavailable('the key server failed');
    } finally {
      wait.cancel();
    }
  };
}
