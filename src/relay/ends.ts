// relay: how a connection ends: who began it and with which code, each side told once, and bounds on how long one side outlives the other.
import { patiently, type Wait } from '../time/patience.ts';
import type { SideReader } from './side-reader.ts';
import type { EndedBy, RelayContext, Tap } from './tap.ts';

/** What an end needs of its connection. */
export interface Mortal {
  /** What came after `at` (monotonic ms) has no part in the end. */
  destroy(at?: number): void;
  /** Sees to it that what both sides have sent is read to its end; false = that is so already. */
  readUnread(): boolean;
}

export class Ends {
  /** Who ended the connection first; undefined while it lives. */
  by: EndedBy | undefined = undefined;
  /** No further evidence can come from the client, and the tap knows. */
  clientOver = false;
  /** The tap has been, or is about to be, told that all is over. */
  told = false;
  /** When the sidecar decided to end it: the end is dated then, however long its turn of the event loop takes. */
  private decidedAt: number | undefined = undefined;
  private code = 1006;
  private linger: Wait | undefined = undefined;
  private readonly tap: Tap;
  private readonly context: RelayContext;

  constructor(tap: Tap, context: RelayContext) {
    this.tap = tap;
    this.context = context;
  }

  /** The first word counts. */
  begin(by: EndedBy, code: number): void {
    if (this.by !== undefined) return;
    this.by = by;
    this.code = code;
  }

  /**
   * What is not closed after `ms` (default: `lingerMs`) is destroyed, once what has been sent by then is read (SPEC D15, D16). The first
   * bound holds, unless a later one is shorter.
   */
  startLinger(connection: Mortal, ms = this.context.limits.lingerMs): void {
    if (this.linger !== undefined && ms >= this.context.limits.lingerMs) return;
    this.linger?.cancel();
    this.linger = patiently(ms, (at) => {
      this.linger = undefined;
      if (connection.readUnread()) this.startLinger(connection, this.context.limits.patienceMs);
      else connection.destroy(at);
    });
  }

  /** What had reached the sockets by `at` (monotonic ms) has been read, and nothing later counts. */
  decide(at: number): void {
    this.decidedAt ??= at;
  }

  /** Both sockets are closed. */
  over(): void {
    this.linger?.cancel();
  }

  /** The client can prove nothing more. `orderly`: it has sent a Close frame that is no complaint. */
  endClient(orderly: boolean): void {
    if (this.clientOver) return;
    this.clientOver = true;
    this.tap.clientOver?.(this.by!, this.code, orderly, this.decidedAt ?? this.context.now());
  }

  /** Neither side has anything more to say. What waits for the side reader is still told first. */
  tell(side: SideReader | undefined): void {
    if (this.told) return;
    this.told = true;
    if (side?.busy) side.onIdle = () => this.tellNow(side);
    else this.tellNow(side);
  }

  private tellNow(side: SideReader | undefined): void {
    side?.close();
    this.tap.closed(this.by!, this.code, this.decidedAt ?? this.context.now());
  }
}
