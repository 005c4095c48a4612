// What OpenTelemetry says about itself, as lines of our log: sentences, never JSON within JSON.
import { diag } from '@opentelemetry/api';
import { globalErrorHandler } from '@opentelemetry/core';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { routeDiagnostics } from '../../src/telemetry/diagnostics.ts';

let faults: Error[];
let stop: () => void;

beforeEach(() => {
  faults = [];
  stop = routeDiagnostics(({ error }) => faults.push(error as Error), {});
});
afterEach(() => stop());

test('an exception of an exporter, which OpenTelemetry spells as JSON, becomes an error again', () => {
  const error = Object.assign(new TypeError('connect ECONNREFUSED 127.0.0.1:4318'), { code: 'ECONNREFUSED' });
  globalErrorHandler(error);
  expect(faults.map(({ name, message }) => [name, message])).toEqual([
    ['TypeError', 'connect ECONNREFUSED 127.0.0.1:4318, ECONNREFUSED'],
  ]);
  expect(faults[0]!.stack).toBe(error.stack);
});

test.each<[unknown[], string]>([
  [['plain words'], 'plain words'],
  [['export failed', new Error('refused')], 'export failed: refused'],
  [['Received Partial Success response:', '3 rejected'], 'Received Partial Success response: 3 rejected'],
  [['{not JSON'], '{not JSON'],
  [['{}'], 'a fault without a message'],
  [['{"name":"AbortError"}'], 'AbortError'],
])('%j', (words, expected) => {
  diag.error(...(words as [string, ...unknown[]]));
  expect(faults.map(({ message }) => message)).toEqual([expected]);
  expect(faults[0]!.message).not.toMatch(/^\{"/);
});
