// admin-client: the shape of a cause: what people are told about one state or ending of a delivery.

/** What people are told about one state or ending of a delivery. */
export interface Cause {
  /** A few words, without a full stop; unique in the table. */
  readonly title: string;
  /**
   * What the ending usually means, in one to three sentences. Claims no more than the evidence
   * proves.
   */
  readonly means: string;
  /** What to do, the most promising first; empty = nothing needs doing. */
  readonly todo: readonly string[];
}
