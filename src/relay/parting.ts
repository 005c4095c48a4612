// relay: parts from a client: its socket stays open for evidence on its way, for a bounded time (SPEC D15).
import { patiently, type Wait } from '../time/patience.ts';
import type { TapGuard } from './guard.ts';
import type { RelayContext } from './tap.ts';

/**
 * Codes with which only servers begin to close (IANA registry of RFC 6455 §11.7): restart,
 * overload, bad gateway. A client may close with any other by itself at the same moment: with 1011
 * when its keepalive fails, as that of its server does, and with a private code that both sides
 * agreed on.
 */
const SERVER_CODES = [1012, 1013, 1014];
/** Codes of peers that could not take what they were sent (RFC 6455 §7.4.1). */
const COMPLAINTS = [1002, 1003, 1007, 1009, 1010];

/** What a Close frame says: its code and its text. */
export interface CloseWords {
  readonly closeCode: number;
  readonly closeReason: string;
}

/** The Close frame of a client. */
export interface CloseSaid extends CloseWords {
  /** Whether the client answers barriers, and had not answered the latest one when it closed. */
  readonly owesPong: boolean;
}

/**
 * Whether the Close frame `said` of a client answers the Close frame `sent`. Peers answer with the
 * code that they got (RFC 6455 §5.5.1), and with its reason or none, so that the answer proves
 * everything before that frame. A client that may have closed by itself at the same time proves
 * nothing: a proxy that stops begins with a code of servers, too. It gives a reason of its own, or
 * none; then it has not answered the barrier that came before the Close frame `sent`.
 */
export function answersClose(said: CloseSaid, sent: CloseWords): boolean {
  const same = said.closeReason === '' ? !said.owesPong : said.closeReason === sent.closeReason;
  return said.closeCode === sent.closeCode && SERVER_CODES.includes(said.closeCode) && same;
}

/**
 * The reason that an upstream is given where the sidecar begins to close. The upstream may be
 * another sidecar, which must not take that for an answer to a Close frame of its own.
 */
export function reasonUpstream(reason: string): string {
  return reason === '' ? 'proxy' : `proxy: ${reason}`;
}

/**
 * Whether a client's Close frame with `code` says that the client could not take what it was sent.
 * A code that repeats `sent` is an answer.
 */
export function complains(code: number, sent: number): boolean {
  return code !== sent && COMPLAINTS.includes(code);
}

export class Parting {
  #patience: Wait | undefined = undefined;
  readonly #tap: TapGuard;
  readonly #context: RelayContext;
  /** Sends FIN to the present client. */
  readonly #end: () => void;

  constructor(tap: TapGuard, context: RelayContext, end: () => void) {
    this.#tap = tap;
    this.#context = context;
    this.#end = end;
  }

  /** Closes the client's socket when its last evidence has come, or cannot come any more. */
  begin(): void {
    if (this.#patience !== undefined) return;
    if (this.#tap.awaits(this.#context.now()))
      this.#patience = patiently(this.#context.limits.patienceMs, () => this.#now());
    else this.#end();
  }

  /** Notes evidence. */
  heard(now: number): void {
    if (this.#patience !== undefined && !this.#tap.awaits(now)) this.#now();
  }

  /** Notes that no more evidence can come, so that a parting that has begun ends now. */
  over(): void {
    if (this.#patience !== undefined) this.#now();
  }

  #now(): void {
    this.#patience?.cancel();
    this.#patience = undefined;
    this.#end();
  }
}
