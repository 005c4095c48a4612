// journal: whether Redis may be written to, and what stands in the way: said once, with its reason, until it is over.
import type { Report } from '../../delivery/ports.ts';
import type { Link } from './link.ts';
import { isRefusal } from './one-way.ts';

export interface GateDeps {
  readonly link: Link;
  now(): number;
  readonly report: Report;
}

/** Answers that take longer are slow, ms. */
const SLOW_MS = 1000;
/** After a refusal Redis is tried again, first after so many ms, and at last every so many. */
const [RETRY_MS, MAX_RETRY_MS] = [500, 15_000];
/**
 * Answers to all commands that are over by themselves: a script runs for long, data are loaded, a
 * replica has no master. The longest wait before Redis is tried again then, ms.
 */
const PASSING = /^(BUSY|LOADING|MASTERDOWN)\b/;
const PASSING_RETRY_MS = 1000;
/** A connection that is gone, or an end of refusals, is expected for so long, ms. */
const SOON_MS = 5000;

/**
 *     shut ──tries──▶ joining ──opens──▶ open ──refused──▶ refusing ──due──▶ joining
 *       ◀───────────────lost────────────────────────────────┘
 */
type State = 'shut' | 'joining' | 'open' | 'refusing';

export class Gate {
  readonly #deps: GateDeps;
  #state: State = 'shut';
  #reason = 'Redis has not been reached yet';
  #retryMs = RETRY_MS;
  #retryAt = 0;
  #shutAt: number;
  #slow = false;
  #said = '';
  #saidAnswers = false;
  /** Since when it refuses; undefined = it does not. */
  #refusedAt: number | undefined;

  constructor(deps: GateDeps) {
    this.#deps = deps;
    this.#shutAt = deps.now();
  }

  get open(): boolean {
    return this.#state === 'open';
  }

  /** Whether Redis may be written to in a moment, unless it refuses. */
  get joining(): boolean {
    return this.#state === 'joining';
  }

  /** Why not everything that is told reaches Redis at once; undefined = it does. */
  get reason(): string | undefined {
    if (this.#state !== 'open') return this.#reason;
    return this.#slow ? 'Redis answers late' : undefined;
  }

  /**
   * Whether Redis is likely to be there soon: the connection is new, or was lost a moment ago, or
   * Redis has begun a moment ago to refuse what it is told.
   */
  soon(now: number): boolean {
    if (this.#refusedAt !== undefined) return now - this.#refusedAt < SOON_MS;
    if (this.#state === 'joining') return this.#deps.link.open;
    return this.#state === 'shut' && now - this.#shutAt < SOON_MS;
  }

  look(now: number): void {
    const slow = this.#state === 'open' && this.#deps.link.waitingMs(now) > SLOW_MS;
    if (slow === this.#slow) return;
    this.#slow = slow;
    this.#say(slow ? 'Redis answers late' : '');
  }

  /** Whether it is time to try again after a refusal. */
  due(now: number): boolean {
    return this.#state === 'refusing' && this.#deps.link.open && now >= this.#retryAt;
  }

  tries(): void {
    this.#state = 'joining';
  }

  opens(): void {
    this.#state = 'open';
    this.#retryMs = RETRY_MS;
    this.#refusedAt = undefined;
    this.#say('');
  }

  /** The connection has gone. */
  lost(): void {
    this.#shut('shut', `Redis is not connected${this.#lastFault()}`);
  }

  /** There is no connection, for that reason. */
  unreachable(message: string): void {
    if (this.#state === 'shut' || !this.#deps.link.open) this.#shut('shut', `Redis cannot be reached: ${message}`);
  }

  /** A command that matters was refused, or its answer was lost with the connection. */
  refused(error: Error): void {
    // More of them put off nothing.
    if (!isRefusal(error) || this.#state === 'refusing') return;
    this.#deps.link.abandon(error);
    this.#retryAt = this.#deps.now() + this.#retryMs;
    this.#refusedAt ??= this.#deps.now();
    this.#retryMs = Math.min(this.#retryMs * 2, PASSING.test(error.message) ? PASSING_RETRY_MS : MAX_RETRY_MS);
    this.#shut('refusing', `Redis refuses what it is told: ${error.message}`);
  }

  /**
   * Redis answers where it should not, for that reason. Said once: a service that does not allow
   * it will not.
   */
  answers(why: string | undefined): void {
    if (why === undefined || this.#saidAnswers) return;
    this.#saidAnswers = true;
    const what = 'Redis does not let answers be turned off (CLIENT REPLY)';
    const so = 'an instance that is killed while Redis is behind may lose what it wrote last';
    this.#deps.report({ stage: 'store', error: new Error(`${what}: ${why}: ${so}`) });
  }

  #shut(state: State, reason: string): void {
    if (this.#state === 'open' || this.#state === 'joining') this.#shutAt = this.#deps.now();
    this.#state = state;
    this.#reason = reason;
    if (state === 'shut') this.#refusedAt = undefined;
    this.#slow = false;
    this.#say(reason);
  }

  #lastFault(): string {
    const { lastFault } = this.#deps.link;
    return lastFault === '' ? '' : `: ${lastFault}`;
  }

  #say(reason: string): void {
    if (reason === this.#said) return;
    this.#said = reason;
    const text =
      reason === ''
        ? 'Redis takes what it is told again'
        : `${reason}: the sidecar goes on with its memory, and what is in flight may not outlive it`;
    this.#deps.report({ stage: 'store', error: new Error(text) });
  }
}
