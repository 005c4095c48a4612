// The walk against JSON.parse on random documents, and against garbage: same answers, no throw, nothing read outside the message.
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { createDecoder } from '../../src/decode/decoder.ts';
import { DEFAULT_DECODE_OPTIONS } from '../../src/decode/defaults.ts';
import type { DecodeOptions } from '../../src/decode/options.ts';
import { propertyOptions } from '../support/seed.ts';
import { NO_CLAIM } from '../support/upgrades.ts';
import { documents, pointers } from './random-json.ts';
import { firstHit } from './reference.ts';

// No bound: they take as long as a busy machine needs.
vi.setConfig({ testTimeout: 0 });

/** FC_RUNS multiplies them. */
const RUNS = propertyOptions(3000);

const lists = fc.record({
  type: fc.array(pointers, { minLength: 1, maxLength: 4 }),
  id: fc.array(pointers, { maxLength: 4 }),
  run: fc.array(pointers, { maxLength: 3 }),
  user: fc.array(pointers, { maxLength: 2 }),
  tool: fc.array(pointers, { maxLength: 2 }),
  toolCall: fc.array(pointers, { maxLength: 2 }),
  traceparent: fc.array(pointers, { maxLength: 2 }),
});

const FIELDS = ['id', 'run', 'user', 'tool', 'toolCall', 'traceparent'] as const;

function decoderFor(found: Pick<DecodeOptions, 'type' | 'id'> & Partial<DecodeOptions>) {
  const decoder = createDecoder({
    ...DEFAULT_DECODE_OPTIONS,
    unread: 'count',
    ...found,
    rules: [{ ...DEFAULT_DECODE_OPTIONS.rules.at(-1)! }],
  });
  return { others: decoder.others, reader: decoder.open(NO_CLAIM) };
}

/** The message between bytes that would be noticed if they were read: more JSON on both sides. */
function embed(message: Buffer, before: number): Buffer {
  const around = Buffer.from('"}]{"type":"outside","event":"outside"}"'.repeat(2));
  return Buffer.concat([around.subarray(0, before), message, around]);
}

test('every field of a random document is what JSON.parse and the pointers say', () => {
  const reached = { facts: 0, noType: 0, fields: 0 };
  fc.assert(
    fc.property(
      fc.array(documents, { minLength: 1, maxLength: 4 }),
      lists,
      fc.nat({ max: 40 }),
      (messages, found, before) => {
        const types = [...found.type, '/kind'];
        const { others, reader } = decoderFor({ ...found, type: types });
        for (const { sent, reference } of messages) {
          const bytes = Buffer.from(sent, 'utf8');
          const buf = embed(bytes, before);
          const start = Math.min(before, buf.length - bytes.length);
          const facts = reader.event(buf, start, start + bytes.length);
          const document: unknown = JSON.parse(reference);
          const type = firstHit(document, types, false);
          expect(facts?.type.name).toBe(type);
          if (facts === undefined) {
            reached.noType++;
            continue;
          }
          reached.facts++;
          for (const name of FIELDS) if (facts[name] !== undefined) reached.fields++;
          expect({ ...facts, type: 0 }).toEqual({
            type: 0,
            id: firstHit(document, found.id, true),
            run: firstHit(document, found.run, true),
            user: firstHit(document, found.user, true),
            tool: firstHit(document, found.tool, false),
            toolCall: firstHit(document, found.toolCall, true),
            traceparent: firstHit(document, found.traceparent, false),
            bytes: bytes.length,
          });
        }
        const { no_type, ...rest } = others;
        expect(rest).toEqual({ untracked: 0, not_json: 0, not_object: 0, invalid_utf8: 0 });
      },
    ),
    RUNS,
  );
  // The test means little unless fields were really found, and absent, often.
  expect(reached.facts).toBeGreaterThan(RUNS.numRuns / 2);
  expect(reached.fields).toBeGreaterThan(RUNS.numRuns / 5);
  expect(reached.noType).toBeGreaterThan(RUNS.numRuns / 10);
});

const plain = (sent: string) => ({ sent, reference: sent });
const EXAMPLES: [{ sent: string; reference: string }, [number, number][], number, number][] = [
  [plain('{"type":"ab"}'), [], 0, 65_536],
  [plain('{"type":"ab"}'), [[0.75, 0xff]], 0, 65_536],
  [plain('{"x":"type"}'), [], 0, 65_536],
  [plain('{"type":"ab"'), [], 0, 65_536],
  [plain('["type"]'), [], 0, 65_536],
];

test('a random document that is cut, mutated or followed by garbage never throws, and nothing outside it is read', () => {
  const outcomes = new Set<string>();
  const mutations = fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.nat({ max: 255 })), {
    maxLength: 4,
  });
  const size = fc.constantFrom(65_536, 16, 40);
  fc.assert(
    fc.property(
      documents,
      mutations,
      fc.double({ min: 0, max: 1, noNaN: true }),
      size,
      (document, changes, keep, scanBytes) => {
        const whole = Buffer.from(document.sent, 'utf8');
        const message = whole.subarray(0, keep < 0.5 ? whole.length : Math.ceil(keep * whole.length));
        for (const [where, byte] of changes) {
          if (message.length > 0) message[Math.floor(where * (message.length - 1))] = byte;
        }
        const options = { type: ['/type', '/a/type', '/kind'], id: ['/b', '/a/0', '/b/1/a'], scanBytes };
        const alone = decoderFor(options);
        const surrounded = decoderFor(options);
        const buf = embed(message, 7);
        const one = { ...alone.reader.event(message, 0, message.length) };
        const two = { ...surrounded.reader.event(buf, 7, 7 + message.length) };
        expect({ ...two, type: two.type?.name }).toEqual({ ...one, type: one.type?.name });
        expect(surrounded.others).toEqual(alone.others);
        expect(surrounded.reader.confirmation(buf, 7, 7 + message.length)).toEqual(
          alone.reader.confirmation(message, 0, message.length),
        );
        for (const [reason, count] of Object.entries(alone.others)) if (count > 0) outcomes.add(reason);
        if (one.type !== undefined) outcomes.add('event');
      },
    ),
    // One of each outcome: chance does not always bring the rarest.
    { ...RUNS, examples: EXAMPLES },
  );
  // Anything but untracked, which has tests of its own.
  expect([...outcomes].sort()).toEqual(['event', 'invalid_utf8', 'no_type', 'not_json', 'not_object']);
});

test('what JSON.parse takes for an object is never called broken, and random bytes never throw', () => {
  const alphabet = fc.constantFrom(...'{}[]":,\\ut0e-.\n'.split(''), '"type"', '"a"', 'true', 'null', 'é');
  const soup = fc.array(alphabet, { maxLength: 24 }).map((parts) => Buffer.from(`{${parts.join('')}`));
  const noise = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(soup, noise), (message) => {
      const { others, reader } = decoderFor({ type: ['/type', '/a'], id: ['/a/0'] });
      reader.event(message, 0, message.length);
      reader.confirmation(message, 0, message.length);
      if (isObject(message)) expect(others.not_json).toBe(0);
    }),
    RUNS,
  );
});

function isObject(message: Buffer): boolean {
  try {
    const value: unknown = JSON.parse(message.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
