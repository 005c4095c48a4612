// identity: the user of an upgrade request, by the operator's list of sources: proven or none (SPEC D19).
import type { Report } from '../delivery/ports.ts';
import { patiently, type Wait } from '../time/patience.ts';
import { claimAt, decodeClaims, type TokenReading } from './claims.ts';
import {
  cookies,
  headers,
  type IdentityRequest,
  JWT_PLACES,
  type JwtPlace,
  parameters,
  type Tokens,
  tokens,
  type Values,
} from './request.ts';
import { type Named, readUser } from './user.ts';
import { createVerifier, type Verifier, type VerifyOptions } from './verify.ts';

/**
 * One place to find the user: `name` is the claim, header, cookie or query parameter; '' for
 * `event`.
 */
export interface UserSource {
  readonly from: 'jwt' | 'header' | 'cookie' | 'query' | 'event';
  readonly name: string;
}

/**
 * Why a request that named a user has none. `ambiguous`: it named several, and the backend may
 * believe another one than Ackspan would. `unavailable`: the keys to verify it could not be had in
 * time.
 */
export type IdentityFault = 'invalid_token' | 'expired' | 'ambiguous' | 'unusable_user' | 'unavailable';

/** The user of a request. */
export interface Identified {
  /** A proven user, who owns sessions and deliveries. */
  readonly user: string | undefined;
  /** The user that the request claims without proof: good for a search, and for nothing else. */
  readonly claimed: string | undefined;
  readonly fault?: IdentityFault;
  /**
   * Whether no user is named yet. The first event that names one (source `event`) proves that user,
   * or is only a claim.
   */
  readonly learn: 'user' | 'claim' | undefined;
}

export interface IdentityOptions {
  /**
   * The sources, in order; the first with a value decides. Sources that prove are asked before
   * sources that only claim. `event` is asked last, wherever it stands in the list.
   */
  readonly sources: readonly UserSource[];
  /**
   * `upstream`: the operator says that the backend refuses what it has not checked, so what it
   * accepted is proven.
   */
  readonly trust: 'none' | 'upstream';
  readonly jwtPlaces: readonly JwtPlace[];
  /** Query parameters that may hold a JWT. */
  readonly jwtQuery: readonly string[];
  /** Left out: a token is decoded and not verified. */
  readonly verify?: VerifyOptions | undefined;
  /**
   * How long a request may wait for its user where tokens are verified, ms. Then it has none
   * (`unavailable`).
   */
  readonly timeoutMs: number;
}

export interface IdentityDeps {
  /** Monotonic ms. */
  readonly now: () => number;
  /** The wall clock, ms since the epoch: tokens are valid by it (SPEC D18). */
  readonly wall: () => number;
  readonly report: Report;
}

/**
 * Requests by result. `none`: the request named no user. `claimed`: it named a user without proof.
 */
export type IdentityCounters = Record<'identified' | 'claimed' | 'none' | IdentityFault, number>;

export interface Identity {
  readonly counters: Readonly<IdentityCounters>;
  /**
   * Answers at once, unless a token must be verified. The promise always resolves, within
   * `timeoutMs`.
   */
  identify(request: IdentityRequest): Identified | Promise<Identified>;
}

/** Tokens of one request that are read. A request with more is not worth reading. */
const MAX_TOKENS = 4;

type Found = { readonly user: string } | { readonly fault: IdentityFault } | undefined;

/** Throws a TypeError for a key that cannot be one. */
export function createIdentity(options: IdentityOptions, deps: IdentityDeps): Identity {
  const { sources, trust, jwtPlaces, jwtQuery, timeoutMs } = options;
  const verifier = options.verify === undefined ? undefined : createVerifier(options.verify, deps);
  const proves = ({ from }: UserSource): boolean => trust === 'upstream' || (from === 'jwt' && verifier !== undefined);
  const proving = sources.filter(proves);
  const claiming = sources.filter((source) => !proves(source));
  const event = sources.find(({ from }) => from === 'event');
  const learn = event === undefined ? undefined : proves(event) ? 'user' : 'claim';
  const counters: IdentityCounters = {
    identified: 0,
    claimed: 0,
    none: 0,
    invalid_token: 0,
    expired: 0,
    ambiguous: 0,
    unusable_user: 0,
    unavailable: 0,
  };

  function conclude(request: IdentityRequest, proven: Found): Identified {
    // Sources that only claim verify nothing, so they answer at once.
    const found = proven ?? (ask(request, claiming, 0) as Found);
    if (found === undefined) {
      counters.none++;
      return { user: undefined, claimed: undefined, learn };
    }
    if ('fault' in found) {
      counters[found.fault]++;
      return { user: undefined, claimed: undefined, fault: found.fault, learn: undefined };
    }
    const isProven = proven !== undefined;
    counters[isProven ? 'identified' : 'claimed']++;
    const [user, claimed] = isProven ? [found.user, undefined] : [undefined, found.user];
    return { user, claimed, learn: undefined };
  }

  function fromTokens(request: IdentityRequest, claim: string): Found | Promise<Found> {
    const { found } = tokens(request, jwtPlaces, jwtQuery);
    // A signature proves its holder wherever the token stands.
    if (verifier !== undefined) return verified(found, claim, verifier);
    return decoded(found, () => tokens(request, JWT_PLACES, jwtQuery), claim);
  }

  /** Asks the sources from `at` on. Returns a promise only where one of them verifies a token. */
  function ask(request: IdentityRequest, sources: readonly UserSource[], at: number): Found | Promise<Found> {
    for (let i = at; i < sources.length; i++) {
      const source = sources[i]!;
      const found = source.from === 'jwt' ? fromTokens(request, source.name) : plain(request, source);
      if (found instanceof Promise) return found.then((answer) => answer ?? ask(request, sources, i + 1));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  return {
    counters,
    identify(request) {
      const found = ask(request, proving, 0);
      if (!(found instanceof Promise)) return conclude(request, found);
      return inTime(found, timeoutMs, deps).then((late) => conclude(request, late));
    },
  };
}

function plain(request: IdentityRequest, { from, name }: UserSource): Found {
  switch (from) {
    case 'header':
      return agreed(named(headers(request, name.toLowerCase())));
    case 'cookie':
      return agreed(named(cookies(request, name)));
    case 'query':
      return agreed(named(parameters(request, name)));
    case 'jwt':
    case 'event':
      return undefined;
  }
}

function named(values: Values): Named[] {
  return values.map((value) => (value === undefined ? 'unusable' : readUser(value)));
}

/**
 * A present token that is not valid ends the search: no weaker source may name a client whose proof
 * failed.
 */
function verified(found: readonly string[], claim: string, verifier: Verifier): Found | Promise<Found> {
  if (found.length === 0) return undefined;
  if (found.length > MAX_TOKENS) return { fault: 'ambiguous' };
  return Promise.all(found.map(verifier)).then((readings) => fromReadings(readings, claim));
}

/**
 * Reads tokens that are not verified here. A JWT counts only as the one credential of its request,
 * wherever the others are and whatever their kind: the backend may have checked another credential,
 * in a place where Ackspan was not told to look.
 */
function decoded(found: readonly string[], everywhere: () => Tokens, claim: string): Found {
  if (found.length > MAX_TOKENS) return { fault: 'ambiguous' };
  const readings = found.map(decodeClaims);
  if (readings.every((reading) => reading === 'opaque')) return undefined;
  const all = everywhere();
  return all.others || all.found.length > 1 ? faultOf(readings) : fromReadings(readings, claim);
}

function faultOf(readings: readonly TokenReading[]): Found {
  const bad = readings.find((reading) => typeof reading === 'string' && reading !== 'opaque');
  return { fault: (bad as IdentityFault | undefined) ?? 'ambiguous' };
}

function fromReadings(readings: readonly TokenReading[], claim: string): Found {
  const names: Named[] = [];
  for (const reading of readings) {
    // An opaque token is for the backend to understand. It tells Ackspan nothing.
    if (reading === 'opaque') continue;
    if (typeof reading === 'string') return { fault: reading };
    names.push(readUser(claimAt(reading.claims, claim)));
  }
  return agreed(names);
}

/**
 * Backends pick one of several values, and not all the same one. If the values differ, the request
 * has no user.
 */
function agreed(names: readonly Named[]): Found {
  let user: string | undefined;
  let silent = false;
  for (const name of names) {
    if (name === 'unusable') return { fault: 'unusable_user' };
    if (name === 'none') silent = true;
    else if (user !== undefined && user !== name.user) return { fault: 'ambiguous' };
    else user = name.user;
  }
  if (user === undefined) return undefined;
  return silent ? { fault: 'ambiguous' } : { user };
}

async function inTime(found: Promise<Found>, timeoutMs: number, { report }: IdentityDeps): Promise<Found> {
  let wait: Wait | undefined;
  const late = new Promise<Found>((resolve) => {
    wait = patiently(timeoutMs, () => resolve({ fault: 'unavailable' }), true);
  });
  try {
    return await Promise.race([found, late]);
  } catch (error) {
    report({ stage: 'identity', error });
    return { fault: 'unavailable' };
  } finally {
    wait?.cancel();
  }
}
