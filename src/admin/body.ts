// admin: the body of a change: bounded JSON, an object whose members are all known. Faults are collected.
import type { IncomingMessage } from 'node:http';
import { type ParameterFault, problem } from './reply.ts';
import type { Answer } from './route.ts';

/** Longest body of a change, bytes. */
const BODY_LIMIT = 16 * 1024;

/**
 * Reads a request's body as JSON; `undefined` where there is none. A body that is too long or no
 * JSON is a problem.
 */
export async function readBody(request: IncomingMessage): Promise<{ readonly body: unknown } | Answer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > BODY_LIMIT)
      return problem(413, `A change has at most ${BODY_LIMIT} bytes.`, { headers: { Connection: 'close' } });
    chunks.push(chunk);
  }
  if (size === 0) return { body: undefined };
  try {
    return { body: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))) };
  } catch {
    // The place of the fault is left to the caller: a body is not repeated in an answer.
    return problem(400, 'The body is not JSON in UTF-8.');
  }
}

/** Reads members by name. `faults()` comes last and also lists members that no reader asked for. */
export interface Members {
  /** Text of at most `longest` characters without control characters. */
  text(name: string, longest: number, needed: boolean): string | undefined;
  flag(name: string, otherwise: boolean): boolean;
  /** A whole number within the bounds, both included. */
  whole(name: string, least: number, most: number, otherwise: number): number;
  /** An object, whose members are all texts or lists of texts. */
  texts(name: string): Readonly<Record<string, string | readonly string[]>>;
  faults(): readonly ParameterFault[];
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a log line and a terminal must not be sent.
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** Opens a body. A body that is no object has one fault. */
export function createMembers(body: unknown): Members {
  const faults: ParameterFault[] = [];
  const isObject = typeof body === 'object' && body !== null && !Array.isArray(body);
  const given = new Map<string, unknown>(isObject ? Object.entries(body) : []);
  if (!isObject && body !== undefined)
    faults.push({ parameter: 'body', fault: 'not an object', allowed: ['a JSON object'] });
  const asked = new Set<string>();
  const refuse = (parameter: string, fault: string, allowed: string): void => {
    faults.push({ parameter, fault, allowed: [allowed] });
  };
  const take = (name: string): unknown => {
    asked.add(name);
    return given.get(name);
  };
  return {
    text(name, longest, needed) {
      const value = take(name);
      const allowed = `text of 1 to ${longest} characters on one line`;
      if (value === undefined) {
        if (needed) refuse(name, 'missing', allowed);
        return undefined;
      }
      if (typeof value === 'string' && value.trim() !== '' && value.length <= longest && !CONTROL.test(value))
        return value;
      refuse(name, 'not such a text', allowed);
      return undefined;
    },
    flag(name, otherwise) {
      const value = take(name);
      if (typeof value === 'boolean') return value;
      if (value !== undefined) refuse(name, 'not a boolean', 'true or false');
      return otherwise;
    },
    whole(name, least, most, otherwise) {
      const value = take(name);
      if (value === undefined) return otherwise;
      if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
      refuse(name, 'not a whole number within the bounds', `${least} to ${most}`);
      return otherwise;
    },
    texts(name) {
      const value = take(name);
      if (value === undefined) return {};
      const isText = (one: unknown): boolean => typeof one === 'string' || typeof one === 'number';
      const fine =
        typeof value === 'object' &&
        value !== null &&
        Object.values(value).every((one) => (Array.isArray(one) ? one.every(isText) : isText(one)));
      if (fine && !Array.isArray(value)) return value as Record<string, string | string[]>;
      refuse(name, 'not an object of texts', 'the parameters of /api/v1/deliveries');
      return {};
    },
    faults() {
      for (const name of given.keys())
        if (!asked.has(name))
          faults.push({ parameter: name.slice(0, 64), fault: 'unknown member', allowed: [...asked] });
      return faults;
    },
  };
}
