// relay: a client that is asked to come again (W23): what it was told, what its answer proves, how long it may take.
import { patiently, type Wait } from '../time/patience.ts';
import { answersClose } from './parting.ts';

export class Retiring {
  private asked: { readonly code: number; readonly through: number; readonly wait: Wait } | undefined = undefined;

  /** Whether the client that is there was asked. */
  get underWay(): boolean {
    return this.asked !== undefined;
  }

  /**
   * Notes that the client was told to close with `code` behind message `through`. After `patienceMs`
   * without an end, `give` is called.
   */
  begin(code: number, through: number, patienceMs: number, give: () => void): void {
    this.asked = { code, through, wait: patiently(patienceMs, give) };
  }

  /** The last message that a Close frame with that code proves; -1 = none. */
  provenBy(code: number): number {
    return this.asked !== undefined && answersClose(code, this.asked.code) ? this.asked.through : -1;
  }

  /** The client goes, or another takes its place. Answers whether it had been asked. */
  over(): boolean {
    const { underWay } = this;
    this.asked?.wait.cancel();
    this.asked = undefined;
    return underWay;
  }
}
