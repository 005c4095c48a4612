// Relay: how a connection ends: who began it and with which code, told once, and a bound on how long one side outlives the other.
import type { SideReader } from './side-reader.ts';
import type { EndedBy, RelayContext, Tap } from './tap.ts';

/** What an end needs of its connection. */
export interface Ending {
  destroy(): void;
}

export class Ends {
  /** Who ended the connection first; undefined while it lives. */
  by: EndedBy | undefined = undefined;
  /** The tap has been, or is about to be, told. */
  told = false;
  private code = 1006;
  private linger: NodeJS.Timeout | undefined = undefined;
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

  /** What is not closed after `lingerMs` is destroyed. */
  startLinger(connection: Ending): void {
    this.linger ??= setTimeout(destroy, this.context.limits.lingerMs, connection).unref();
  }

  /** Both sides are closed. */
  over(): void {
    clearTimeout(this.linger);
  }

  /** The client can prove nothing more. What waits for the side reader is still told first. */
  tell(side: SideReader | undefined): void {
    if (this.told) return;
    this.told = true;
    if (side?.busy) side.onIdle = () => this.tellNow(side);
    else this.tellNow(side);
  }

  private tellNow(side: SideReader | undefined): void {
    side?.close();
    this.tap.closed(this.by!, this.code, this.context.now());
  }
}

function destroy(connection: Ending): void {
  connection.destroy();
}
