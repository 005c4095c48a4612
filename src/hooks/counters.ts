// hooks: counts of notices and requests, in plain numbers. Always noticed = delivered + dropped + waiting.
import { HOOK_KINDS, type HookKind } from './notice.ts';

/** The result of one request. `refused`: an answer that makes another try pointless. */
export const REQUEST_RESULTS = ['delivered', 'refused', 'failed', 'timeout'] as const;
export type RequestResult = (typeof REQUEST_RESULTS)[number];

/**
 * Why a notice ended undelivered. `obsolete`: a re-emission whose delivery has its outcome already;
 * `unsendable`: a fault of ours.
 */
export type DropReason = 'queue_full' | 'refused' | 'exhausted' | 'obsolete' | 'unsendable' | 'shutdown';

export interface HookCounters {
  /** Notices that were raised. */
  noticed: number;
  delivered: number;
  readonly dropped: Record<DropReason, number>;
  /** HTTP requests by kind of notice and result. */
  readonly requests: Readonly<Record<HookKind, Record<RequestResult, number>>>;
  /** Notices that went without their payload because too many bytes were waiting. */
  payloadsOmitted: number;
}

/** All zero. */
export function createHookCounters(): HookCounters {
  const requests = () => ({ delivered: 0, refused: 0, failed: 0, timeout: 0 });
  return {
    noticed: 0,
    delivered: 0,
    dropped: { queue_full: 0, refused: 0, exhausted: 0, obsolete: 0, unsendable: 0, shutdown: 0 },
    requests: Object.fromEntries(HOOK_KINDS.map((kind) => [kind, requests()])) as Record<
      HookKind,
      ReturnType<typeof requests>
    >,
    payloadsOmitted: 0,
  };
}
