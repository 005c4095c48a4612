// relay: how the client is parted from: its socket is kept open for evidence that is on its way, for a bounded time, and then closed (SPEC D15).
import { patiently, type Wait } from '../time/patience.ts';
import type { TapGuard } from './guard.ts';
import type { RelayContext } from './tap.ts';

/** Codes with which peers close of their own accord, both at once at times; 1005 = no code. */
const COMMON_CODES = [1000, 1001, 1005, 1006];
/** RFC 6455 §7.4.1: the peer ends the connection because it could not take what it was sent. */
const COMPLAINTS = [1002, 1003, 1007, 1009, 1010];

/**
 * Whether a client's Close frame with that code answers the one that it was sent: peers answer with the code that they got (RFC 6455
 * §5.5.1), so everything before it was read. One that may have closed by itself at the same time proves nothing.
 */
export function answersClose(code: number, sent: number): boolean {
  return code === sent && !COMMON_CODES.includes(code);
}

/** Whether a client's Close frame with that code says that it could not take what it was sent; one that repeats a code answers it. */
export function complains(code: number, sent: number): boolean {
  return code !== sent && COMPLAINTS.includes(code);
}

export class Parting {
  private patience: Wait | undefined = undefined;
  private readonly tap: TapGuard;
  private readonly context: RelayContext;
  /** Sends FIN to the client that is there. */
  private readonly end: () => void;

  constructor(tap: TapGuard, context: RelayContext, end: () => void) {
    this.tap = tap;
    this.context = context;
    this.end = end;
  }

  /** The client gets nothing more: its socket is closed when its last evidence has come, or cannot come any more. */
  begin(): void {
    if (this.patience !== undefined) return;
    if (this.tap.awaits(this.context.now()))
      this.patience = patiently(this.context.limits.patienceMs, () => this.now());
    else this.end();
  }

  /** Evidence has come. */
  heard(now: number): void {
    if (this.patience !== undefined && !this.tap.awaits(now)) this.now();
  }

  /** None can come any more; if the client was to be parted from, that is now. */
  over(): void {
    if (this.patience !== undefined) this.now();
  }

  private now(): void {
    this.patience?.cancel();
    this.patience = undefined;
    this.end();
  }
}
