// What collectors answer: every spelling of "partial success", refusals with reasons, and answers that are none.
import { describe, expect, test } from 'vitest';
import { readRefusal, readResponse } from '../../src/telemetry/otlp/response.ts';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json; charset=utf-8';
const text = (value: string) => Buffer.from(value);
const field = (tag: number, bytes: Uint8Array) => Buffer.concat([Buffer.from([tag, bytes.length]), bytes]);

describe('partial success', () => {
  test.each<[string, string, Uint8Array, unknown]>([
    ['no body', PROTOBUF, Buffer.alloc(0), undefined],
    ['no body of an unknown type', '', Buffer.alloc(0), undefined],
    ['an empty message', PROTOBUF, field(0x0a, Buffer.alloc(0)), undefined],
    ['zero rejected, no message', PROTOBUF, field(0x0a, Buffer.from([0x08, 0])), undefined],
    [
      'protobuf',
      PROTOBUF,
      field(0x0a, Buffer.concat([Buffer.from([0x08, 0xac, 0x02]), field(0x12, text('quota'))])),
      { rejected: 300, message: 'quota' },
    ],
    ['a negative count', PROTOBUF, field(0x0a, Buffer.from([0x08, ...new Array(9).fill(255), 1])), undefined],
    [
      'a message alone is a warning',
      'application/protobuf',
      field(0x0a, field(0x12, text('use v2'))),
      { rejected: 0, message: 'use v2' },
    ],
    [
      'fields of a later version',
      PROTOBUF,
      Buffer.concat([field(0x1a, text('new')), Buffer.from([0x25, 1, 2, 3, 4]), field(0x0a, Buffer.from([0x08, 7]))]),
      { rejected: 7, message: '' },
    ],
    ['JSON without', JSON_TYPE, text('{}'), undefined],
    ['JSON null', JSON_TYPE, text('{"partialSuccess":null}'), undefined],
    [
      'JSON of spans',
      JSON_TYPE,
      text('{"partialSuccess":{"rejectedSpans":"3","errorMessage":"quota\\nstack"}}'),
      { rejected: 3, message: 'quota' },
    ],
    [
      'JSON of data points, as a number',
      JSON_TYPE,
      text('{"partialSuccess":{"rejectedDataPoints":4}}'),
      { rejected: 4, message: '' },
    ],
    [
      'JSON of log records, in proto spelling',
      JSON_TYPE,
      text('{"partial_success":{"rejected_log_records":"5","error_message":"x"}}'),
      { rejected: 5, message: 'x' },
    ],
    ['JSON with nonsense', JSON_TYPE, text('{"partialSuccess":{"rejectedSpans":"many"}}'), undefined],
  ])('%s', (_, type, body, expected) => {
    expect(readResponse(type, body)).toEqual(expected);
  });

  test.each<[string, string, Uint8Array]>([
    ['a page', 'text/html', text('<html>')],
    ['no type', '', text('ok')],
    ['cut JSON', JSON_TYPE, text('{"partial')],
    ['a list', JSON_TYPE, text('3')],
    ['a length past the end', PROTOBUF, Buffer.from([0x0a, 200, 1])],
    ['an endless number', PROTOBUF, Buffer.alloc(12, 255)],
    ['a group', PROTOBUF, Buffer.from([0x0b])],
  ])('%s is none, and throws a RangeError', (_, type, body) => {
    expect(() => readResponse(type, body)).toThrow(RangeError);
  });
});

describe('a refusal', () => {
  test.each<[string, string, Uint8Array, string]>([
    [
      'google.rpc.Status in protobuf',
      PROTOBUF,
      Buffer.concat([Buffer.from([0x08, 16]), field(0x12, text('bad token'))]),
      'bad token',
    ],
    ['google.rpc.Status in JSON', JSON_TYPE, text('{"code":16,"message":"bad token"}'), 'bad token'],
    ['text', 'text/plain', text('quota exceeded\n at line 3'), 'quota exceeded'],
    ['long text', 'text/plain', text('x'.repeat(1000)), 'x'.repeat(200)],
    ['a page', 'text/html', text('<html>'), ''],
    ['broken JSON', JSON_TYPE, text('{'), ''],
    ['broken protobuf', PROTOBUF, text('zzzzzzz'), ''],
  ])('%s', (_, type, body, expected) => {
    expect(readRefusal(type, body)).toBe(expected);
  });
});
