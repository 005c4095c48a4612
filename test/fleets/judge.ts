// fleets: what must not be over several instances: deliveries with two outcomes or none, false words, messages out of order.

/** One event of the backend, as all instances together have it. */
export interface Fate {
  /** The instances that began a delivery of it. */
  readonly begun: readonly string[];
  /** What each span says of it. */
  readonly ends: readonly End[];
  /** Whether the application was handed it. */
  readonly handed: boolean;
}

export interface End {
  readonly instance: string;
  readonly outcome: string;
  /** Wall clock, ms. */
  readonly at: number;
}

export interface Verdict {
  /** Events that an instance has read. */
  readonly deliveries: number;
  readonly confirmed: number;
  readonly two: readonly string[];
  readonly none: readonly string[];
  /** Confirmed, and no application was handed it. */
  readonly untrue: readonly string[];
  /** Handed over, and called lost: what the client said of it reached no instance that has it. */
  readonly denied: number;
}

/** `fates`: by event id. An event that nobody has read is nobody's. */
export function judge(fates: ReadonlyMap<string, Fate>): Verdict {
  const known = [...fates].filter(([, { begun, ends, handed }]) => begun.length > 0 || ends.length > 0 || handed);
  const ids = (fits: (fate: Fate) => boolean): string[] => known.filter(([, fate]) => fits(fate)).map(([id]) => id);
  const confirmed = ({ ends }: Fate): boolean => ends.some(({ outcome }) => outcome === 'confirmed');
  const lost = ({ ends }: Fate): boolean => ends.every(({ outcome }) => /^(failed|timeout)/.test(outcome));
  return {
    deliveries: known.length,
    confirmed: ids(confirmed).length,
    two: ids(({ ends }) => ends.length > 1),
    none: ids(({ ends }) => ends.length === 0),
    untrue: ids((fate) => confirmed(fate) && !fate.handed),
    denied: ids((fate) => fate.handed && fate.ends.length > 0 && lost(fate)).length,
  };
}
