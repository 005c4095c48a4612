// What a row of the bench is: a load, the peers that take it, and the figures that come out.
import type { FlowJob, Job, Result } from './load/job.ts';
import type { Peer } from './peers/peer.ts';
import type { Variant } from './trial.ts';

/** The figures of one trial by metric key. */
export type Figures = Readonly<Record<string, number>>;

export interface Metric {
  readonly key: string;
  readonly unit: string;
}

/** One line of a row's table: a peer, where needed in a variant or under a load of its own. */
export interface Subject {
  readonly label: string;
  /** A peer's name, or `direct`. */
  readonly peer: string;
  readonly variant: Variant;
  readonly load: Partial<FlowJob>;
}

export interface Row {
  readonly name: string;
  readonly title: string;
  /** Whether `--quick` runs it. */
  readonly quick: boolean;
  readonly subjects: readonly Subject[];
  /**
   * Turns of every subject in one round; default 1. Short trials are noisy, and several cost
   * little.
   */
  readonly times?: number;
  readonly metrics: readonly Metric[];
  job(subject: Subject, peer: Peer | undefined, quick: boolean): Job;
  figures(result: Result): Figures;
}

/** Peers as they come. */
export function plain(...names: string[]): Subject[] {
  return names.map((name) => ({ label: name, peer: name, variant: {}, load: {} }));
}
