// Fuzz: the decoder against JSON.parse and the pointers, followed one by one: the same fields wherever JSON.parse accepts the message.
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import { parsePointer } from '../../src/decode/pointer.ts';
import { agree, type Target, words } from './target.ts';

const OPTIONS = {
  ...DEFAULT_DECODE_OPTIONS,
  unread: 'count' as const,
  type: ['/type', '/event', '/data/0/type'],
  id: ['/event_id', '/data/event_id', '/data/1', '/a~1b'],
  rules: [{ ...DEFAULT_DECODE_OPTIONS.rules.at(-1)!, match: ['*'], track: true }],
  confirmations: [{ type: 'event_confirmation', id: '/event_id', status: '/status', error: '/error' }],
};
const decoder = createDecoder(OPTIONS);
const reader = decoder.open({ path: '/', subprotocol: undefined });
const FIELDS = ['id', 'run', 'user', 'tool', 'toolCall', 'traceparent'] as const;
/** Fields in which a number is a hit too, as its text. */
const NUMBERS: ReadonlySet<string> = new Set(['id', 'run', 'user', 'toolCall']);
/** Bytes around the message that would be noticed if they were read. */
const AROUND = Buffer.from('"}]{"type":"outside","event_id":"outside"}"');

export const decoderTarget: Target = {
  name: 'decoder',
  about: ['src/decode/'],
  dictionary: words(
    ...[
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '\\"',
      '\\\\',
      '\\u00e9',
      '\\ud83d\\ude00',
      '\\ud800',
      '\\/',
      '\xc3\xa9',
      '\xf0\x9f\x98\x80',
      '\xff',
    ],
    ...[
      'null',
      'true',
      'false',
      '-0',
      '1e5',
      '0.25',
      '123456789012345678901',
      '{"type":"t"}',
      '"type":"x"',
      '"event":',
      '"event_id":"e"',
    ],
    ...[
      '"event_id":7',
      '"data":{',
      '"data":[',
      '"a/b":"x"',
      '"run_id":"r"',
      '"user_id":"u"',
      '"tool_name":"n"',
      '"tool_call_id":"c"',
      '"__proto__":',
    ],
    ...[
      '"type":"event_confirmation"',
      '"status":"failed"',
      '"status":"confirmed"',
      '"status":null',
      '"error":"no"',
      '"trace":{"traceparent":"',
    ],
  ),
  maxBytes: 900,
  run(input) {
    const before = (input[0] ?? 0) % 8;
    const message = Buffer.from(input.subarray(1));
    const buf = Buffer.concat([AROUND.subarray(0, before), message, AROUND]);
    const found = reader.event(buf, before, before + message.length);
    const facts = found && { ...found, type: found.type.name };
    const confirmation = reader.confirmation(buf, before, before + message.length);
    const document = parsed(message);
    if (document === undefined) return;
    const type = firstHit(document, OPTIONS.type, false);
    agree('type', facts?.type ?? '', type);
    if (facts !== undefined) {
      for (const field of FIELDS) {
        const expected = firstHit(document, OPTIONS[field], NUMBERS.has(field));
        if (typeof expected === 'number') agree(field, Number(facts[field]), expected);
        else agree(field, wellFormed(facts[field] ?? ''), expected);
      }
    }
    agree('confirmation', told(confirmation), told(confirmationIn(document)));
  },
};

/** The object, where JSON.parse accepts the bytes as one. */
function parsed(message: Buffer): Record<string, unknown> | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(message);
    const document: unknown = JSON.parse(text);
    if (typeof document === 'object' && document !== null && !Array.isArray(document)) {
      return document as Record<string, unknown>;
    }
  } catch {
    // Not JSON: there is no reference for it, and that the decoder came back was all that could be
    // asked.
  }
  return undefined;
}

function at(document: unknown, pointer: string): unknown {
  let value = document;
  for (const token of parsePointer(pointer)) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value) && !/^(0|[1-9][0-9]*)$/.test(token)) return undefined;
    if (!Object.hasOwn(value, token)) return undefined;
    value = (value as Record<string, unknown>)[token];
  }
  return value;
}

/** The first string that is not empty, or number where those count; `''` for none. */
function firstHit(document: unknown, pointers: readonly string[], numbers: boolean): string | number {
  for (const pointer of pointers) {
    const value = at(document, pointer);
    if (typeof value === 'string' && value !== '') return wellFormed(value);
    if (typeof value === 'number' && numbers) return value;
  }
  return '';
}

/** Half a surrogate pair cannot be written as UTF-8, so it becomes U+FFFD; JSON.parse keeps it. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

interface Word {
  readonly eventId: string | number;
  readonly rejected: boolean;
  readonly error: string;
}

/**
 * By the rules as they are documented: type and id, a status that is understood, the beginning of
 * what was said.
 */
function confirmationIn(document: Record<string, unknown>): Word | undefined {
  const { type, status, error, id, maxError } = { ...OPTIONS.confirmations[0]!, maxError: 256 };
  if (!OPTIONS.type.some((pointer) => at(document, pointer) === type)) return undefined;
  const eventId = firstHit(document, [id], true);
  const word = at(document, status) ?? undefined;
  const rejected = word === 'failed' || word === 'error' || word === 'rejected';
  if (eventId === '' || !(rejected || word === undefined || word === 'confirmed')) return undefined;
  const said = at(document, error);
  return { eventId, rejected, error: typeof said === 'string' ? wellFormed(said).slice(0, maxError) : '' };
}

function told(word: Word | undefined): unknown {
  if (word === undefined) return null;
  // A number is spelled by the sender; what it means is compared.
  const { eventId } = word;
  // JSON.parse reads 1e515 as Infinity.
  const number = typeof eventId === 'number' || (/^-?\d/.test(eventId) && !Number.isNaN(Number(eventId)));
  return [number ? Number(eventId) : wellFormed(eventId), word.rejected, wellFormed(word.error.slice(0, 255))];
}
