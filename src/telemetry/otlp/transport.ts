// telemetry: OTLP over HTTP, the request: one body → accepted, or given up for a reason; with retries (SPEC D14).
import { type ClientRequest, type Agent as HttpAgent, request as httpRequest } from 'node:http';
import { type Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { now } from '../../time/clock.ts';
import { patiently, type Wait } from '../../time/patience.ts';
import { stillSince } from '../../time/pulse.ts';
import { type Accepted, answerOf } from './answer.ts';

/** The OTEL_EXPORTER_OTLP_* variables of one signal, as OpenTelemetry's packages read them. */
export interface TransportOptions {
  readonly url: string;
  readonly compression: 'gzip' | 'none';
  headers(): Promise<Record<string, string>>;
  agentFactory(protocol: string): HttpAgent | HttpsAgent | Promise<HttpAgent> | Promise<HttpsAgent>;
}

/** Called once for a body: accepted, or given up because of `error`. */
export type Sent = (error: Error | undefined, answer?: Accepted) => void;

/** Sends request bodies over kept-alive connections. */
export interface Transport {
  /** Sends a body. The result gives the body up for a reason; nothing more of it is sent then. */
  send(body: Uint8Array, sent: Sent): (reason: string) => void;
  /** Closes idle connections. */
  close(): void;
}

/**
 * Requests per body, the first included. Gaps grow by half from the first to the longest, ms, as in
 * OpenTelemetry's own transport.
 */
const TRIES = 6;
const FIRST_GAP_MS = 1000;
const LONGEST_GAP_MS = 5000;

type Requester = () => ClientRequest;

const compress = promisify(gzip);

/** `timeoutMs`: for a body with all its tries, in time in which the process runs. */
export function createTransport(options: TransportOptions, timeoutMs: number): Transport {
  const url = new URL(options.url);
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest;
  let agent: HttpAgent | HttpsAgent | undefined;
  async function prepare(body: Uint8Array): Promise<Requester> {
    agent ??= await options.agentFactory(url.protocol);
    const headers = { ...(await options.headers()) };
    const sent = options.compression === 'gzip' ? await compress(body) : body;
    if (options.compression === 'gzip') headers['Content-Encoding'] = 'gzip';
    headers['Content-Length'] = String(sent.length);
    return () => {
      const outgoing = request(url, { method: 'POST', headers, agent: agent as HttpAgent });
      outgoing.end(sent);
      return outgoing;
    };
  }
  return {
    send(body, sent) {
      const shipment = new Shipment(timeoutMs, sent);
      void shipment.ship(prepare(body));
      return (reason) => shipment.abort(reason);
    },
    close: () => agent?.destroy(),
  };
}

/** One body, try after try, until it is accepted, refused, or out of time. */
class Shipment {
  readonly #timeoutMs: number;
  readonly #sent: Sent;
  readonly #startedAt = now();
  readonly #deadline: Wait;
  #request: ClientRequest | undefined;
  #gap: NodeJS.Timeout | undefined;
  #lastError: Error | undefined;
  #over = false;

  constructor(timeoutMs: number, sent: Sent) {
    this.#timeoutMs = timeoutMs;
    this.#sent = sent;
    this.#deadline = patiently(timeoutMs, () => this.abort(`not accepted within ${timeoutMs} ms`));
  }

  async ship(prepared: Promise<Requester>): Promise<void> {
    try {
      const request = await prepared;
      for (let tries = 1; !this.#over; tries++) {
        this.#request = request();
        const outcome = await answerOf(this.#request);
        if (this.#over) return;
        if (outcome.kind === 'accepted') {
          this.#end(undefined, outcome.answer);
          return;
        }
        const gapMs = Math.max(outcome.askedMs, outcome.stale ? 0 : gapAfter(tries));
        if (!outcome.again || tries >= TRIES || gapMs > this.#leftMs()) throw outcome.error;
        this.#lastError = outcome.error;
        await this.#pause(gapMs);
      }
    } catch (error) {
      this.#end(error instanceof Error ? error : new Error(String(error)));
    }
  }

  abort(reason: string): void {
    if (this.#over) return;
    this.#end(new Error(this.#lastError === undefined ? reason : `${reason}: ${this.#lastError.message}`));
    clearTimeout(this.#gap);
    this.#request?.destroy();
  }

  /** The rest of the time-out, ms. A standstill does not use it up. */
  #leftMs(): number {
    return this.#timeoutMs - (now() - this.#startedAt - stillSince(this.#startedAt));
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#gap = setTimeout(resolve, ms);
      this.#gap.unref();
    });
  }

  #end(error: Error | undefined, answer?: Accepted): void {
    if (this.#over) return;
    this.#over = true;
    this.#deadline.cancel();
    this.#sent(error, answer);
  }
}

/** A gap spread over 80 to 120 %, so that many sidecars do not come at once. */
function gapAfter(tries: number): number {
  return Math.min(LONGEST_GAP_MS, FIRST_GAP_MS * 1.5 ** (tries - 1)) * (0.8 + Math.random() * 0.4);
}
