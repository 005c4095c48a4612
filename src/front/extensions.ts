// front: the WebSocket extension that may be spoken through us (RFC 7692): permessage-deflate without client context.

import { extension } from 'ws';
import type { Deflate } from '../relay/spliced-sockets.ts';
import { headerValues, type RawHeaders } from './headers.ts';

type Parameters = Record<string, (string | true)[]>;

// `ws` exports `extension` since 8.19. Its type package does not say so yet.
declare module 'ws' {
  export const extension: {
    /** Throws a SyntaxError on what RFC 6455 §9.1 does not allow. */
    parse(header: string): Record<string, Parameters[]>;
    format(extensions: Record<string, Parameters[]>): string;
  };
}

/**
 * The answer of the upstream to an offer of extensions, as the client gets it and as we read it.
 */
export interface Agreed {
  readonly headers: string[];
  /** Parameters of compression; undefined = messages are not compressed. */
  readonly deflate: Deflate | undefined;
  /**
   * Whether the upstream accepted something that we cannot read. Bytes then pass, and nothing is
   * scanned.
   */
  readonly opaque: boolean;
}

const HEADER = 'sec-websocket-extensions';
const DEFLATE = 'permessage-deflate';

/**
 * The client's offer reduced to permessage-deflate. An offer of nothing else, or one that cannot be
 * parsed, stays as it is.
 */
export function filterOffers(raw: RawHeaders): string[] {
  const lines = headerValues(raw, HEADER);
  const offers = lines.length === 0 ? undefined : parseOrUndefined(lines);
  if (offers === undefined || Object.keys(offers).every((name) => name === DEFLATE)) return [...raw];
  const wanted = offers[DEFLATE];
  return replaceLines(raw, wanted === undefined ? undefined : extension.format({ [DEFLATE]: wanted }));
}

/**
 * The client's request without any offer, for streams that must stay readable across connections.
 */
export function withoutOffers(raw: RawHeaders): string[] {
  return replaceLines(raw, undefined);
}

/**
 * Reads the upstream's answer. Adds `client_no_context_takeover` to an accepted permessage-deflate
 * (RFC 7692 §7.1.1.2).
 */
export function readAgreement(raw: RawHeaders): Agreed {
  const lines = headerValues(raw, HEADER);
  // A list of no elements (RFC 9110 §5.6.1.2) agrees on no extension.
  if (lines.every((line) => /^[\s,]*$/.test(line))) return { headers: [...raw], deflate: undefined, opaque: false };
  const accepted = parseOrUndefined(lines);
  const parameters = accepted?.[DEFLATE];
  if (accepted === undefined || Object.keys(accepted).length !== 1 || parameters?.length !== 1) return opaque(raw);
  const deflate = readDeflate(parameters[0]!);
  if (deflate === undefined) return opaque(raw);
  if (parameters[0]!.client_no_context_takeover !== undefined) return { headers: [...raw], deflate, opaque: false };
  const headers = replaceLines(raw, `${lines.join(', ')}; client_no_context_takeover`);
  return { headers, deflate, opaque: false };
}

function opaque(raw: RawHeaders): Agreed {
  return { headers: [...raw], deflate: undefined, opaque: true };
}

function readDeflate(parameters: Parameters): Deflate | undefined {
  let serverNoContextTakeover = false;
  let serverMaxWindowBits = 15;
  let clientMaxWindowBits = 15;
  for (const [name, values] of Object.entries(parameters)) {
    if (values.length !== 1) return undefined;
    const value = values[0]!;
    if (name === 'server_no_context_takeover' && value === true) serverNoContextTakeover = true;
    else if (name === 'server_max_window_bits' && isWindow(value)) serverMaxWindowBits = Number(value);
    else if (name === 'client_max_window_bits' && isWindow(value)) clientMaxWindowBits = Number(value);
    else if (name !== 'client_no_context_takeover' || value !== true) return undefined;
  }
  return { serverNoContextTakeover, serverMaxWindowBits, clientNoContextTakeover: true, clientMaxWindowBits };
}

function isWindow(value: string | true): boolean {
  return value !== true && /^(?:[89]|1[0-5])$/.test(value);
}

function parseOrUndefined(lines: readonly string[]): Record<string, Parameters[]> | undefined {
  try {
    return extension.parse(lines.join(', '));
  } catch {
    // A malformed header of the upstream is for the client to refuse. For us it means that frames
    // cannot be read.
    return undefined;
  }
}

/**
 * Puts `value` on the first line of the extensions header, and drops the other lines; undefined
 * drops all.
 */
function replaceLines(raw: RawHeaders, value: string | undefined): string[] {
  const headers: string[] = [];
  let pending = value;
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]!.toLowerCase() !== HEADER) headers.push(raw[i]!, raw[i + 1]!);
    else if (pending !== undefined) {
      headers.push(raw[i]!, pending);
      pending = undefined;
    }
  }
  return headers;
}
