// relay: stands between the data path and its tap: a tap that throws leaves a plain pass-through behind (SPEC D8).
import { NOTHING, OBJECTS } from './first-byte.ts';
import type { EndedBy, Leave, RelayContext, SkipReason, Tap, Unseen, WriteFirst } from './tap.ts';

/**
 * Forwards to a tap until the tap throws once, and answers "nothing to do" from then on. Never
 * throws.
 */
export class TapGuard implements Tap {
  #muted = false;
  readonly #tap: Tap;
  readonly #context: RelayContext;

  constructor(tap: Tap, context: RelayContext) {
    this.#tap = tap;
    this.#context = context;
  }

  upstreamText(
    buf: Buffer,
    start: number,
    end: number,
    ordinal: number,
    now: number,
    bytes: number,
    binary: boolean,
  ): void {
    if (this.#muted) {
      this.#context.counters.messagesUnwatched++;
      return;
    }
    try {
      this.#tap.upstreamText(buf, start, end, ordinal, now, bytes, binary);
    } catch (error) {
      this.#context.counters.messagesUnwatched++;
      this.#fault(error);
    }
  }

  wants(): number {
    if (this.#muted) return 0;
    try {
      return this.#tap.wants?.() ?? 0;
    } catch (error) {
      this.#fault(error);
      return 0;
    }
  }

  writeFirst(ordinal: number): WriteFirst {
    if (this.#muted) return 'message';
    try {
      return this.#tap.writeFirst?.(ordinal) ?? 'nothing';
    } catch (error) {
      this.#fault(error);
      return 'message';
    }
  }

  upstreamSkipped(reason: SkipReason, ordinal: number, now: number, bytes: number, unseen?: Unseen): void {
    if (this.#muted) {
      this.#context.counters.messagesUnwatched++;
      return;
    }
    try {
      this.#tap.upstreamSkipped(reason, ordinal, now, bytes, unseen);
    } catch (error) {
      this.#fault(error);
    }
  }

  undecoded(delta: 1 | -1): void {
    if (this.#muted) return;
    try {
      this.#tap.undecoded(delta);
    } catch (error) {
      this.#fault(error);
    }
  }

  writing(): void {
    if (this.#muted) return;
    try {
      this.#tap.writing?.();
    } catch (error) {
      this.#fault(error);
    }
  }

  barrierAt(through: number): boolean {
    if (this.#muted) return false;
    try {
      return this.#tap.barrierAt(through);
    } catch (error) {
      this.#fault(error);
      return false;
    }
  }

  lastBarrierAt(through: number): boolean {
    if (this.#muted) return false;
    try {
      return this.#tap.lastBarrierAt?.(through) ?? false;
    } catch (error) {
      this.#fault(error);
      return false;
    }
  }

  awaits(now: number): boolean {
    if (this.#muted) return false;
    try {
      return this.#tap.awaits?.(now) ?? false;
    } catch (error) {
      this.#fault(error);
      return false;
    }
  }

  wordsDue(now: number): boolean {
    if (this.#muted) return false;
    try {
      return this.#tap.wordsDue?.(now) ?? false;
    } catch (error) {
      this.#fault(error);
      return false;
    }
  }

  receivedThrough(through: number, now: number): void {
    if (this.#muted) return;
    try {
      this.#tap.receivedThrough(through, now);
    } catch (error) {
      this.#fault(error);
    }
  }

  get begins(): Uint8Array {
    if (this.#muted) return NOTHING;
    try {
      return this.#tap.begins ?? OBJECTS;
    } catch (error) {
      this.#fault(error);
      return NOTHING;
    }
  }

  clientMessage(isText: boolean, bytes: number, now: number): void {
    if (this.#muted) return;
    try {
      this.#tap.clientMessage?.(isText, bytes, now);
    } catch (error) {
      this.#fault(error);
    }
  }

  clientText(buf: Buffer, start: number, end: number, now: number, binary: boolean, replaced: boolean): boolean {
    if (this.#muted) return false;
    try {
      return this.#tap.clientText(buf, start, end, now, binary, replaced);
    } catch (error) {
      this.#fault(error);
      return false;
    }
  }

  clientLost(code: number, now: number, asked: boolean): boolean {
    if (this.#muted) return false;
    try {
      return this.#tap.clientLost?.(code, now, asked) ?? false;
    } catch (error) {
      this.#fault(error);
      return false;
    }
  }

  /** Reaches the tap even after a fault, as `closed` does. */
  clientOver(by: EndedBy, code: number, leave: Leave, now: number): void {
    try {
      this.#tap.clientOver?.(by, code, leave, now);
    } catch (error) {
      this.#fault(error);
    }
  }

  /**
   * Reaches the tap even after a fault, so that what the tap holds of this connection can end. It
   * is the last call.
   */
  closed(by: EndedBy, code: number, now: number, reason: string): void {
    try {
      this.#tap.closed(by, code, now, reason);
    } catch (error) {
      this.#fault(error);
    }
    this.#muted = true;
  }

  #fault(error: unknown): void {
    if (!this.#muted) {
      this.#muted = true;
      this.#context.counters.tapFaults++;
    }
    this.#context.report({ stage: 'tap', error });
  }
}
