// The admin API against its description, by chance: any request gets a described status in the described shape, and exactly what breaks the description is refused.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createParts, createRoutes } from '../../src/admin/server.ts';
import { propertyOptions } from '../support/seed.ts';
import { breaches, type Operation, type Parameter, type Schema, type Spec, specOf } from './described.ts';
import { filled } from './filled.ts';
import { ASK, adminDeps, type Got, NOON } from './fixture.ts';

/** A value as it stands in a query: several = the parameter is repeated. */
interface Given {
  readonly name: string;
  readonly values: readonly string[];
  readonly isFault: boolean;
}

const TIMES = ['90s', '15m', '2h', '1.5d', '2026-03-01', '2026-03-01T12:00:00Z', '2026-03-01T12:00:00.5+01:00', '0'];
const NO_TIMES = ['yesterday', '-1', '5', 'NaN', '2026-13-01', '12:00', '1y', '٣s', '1e400'].filter(
  (each) => each !== '5',
);
const NO_NUMBERS = ['-1', '1.5', '1e3', ' 1', '0x10', '٣', '99999999999999999', 'NaN', '1\u0000'];
/** Texts that tools choke on, and any other. */
const text = fc.oneof(
  fc.constantFrom(
    '\u001b[31m',
    '<script>',
    "' OR 1=1",
    '%00',
    '\u202e',
    '../..',
    '__proto__',
    '\r\nX: y',
    '💥',
    '\ufffd',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
);

/** Values that the schema of a parameter allows. */
function good({ name, schema }: Parameter): fc.Arbitrary<readonly string[]> {
  if (name === 'since' || name === 'until') return fc.constantFrom(...TIMES).map((each) => [each]);
  const words = schema.items?.enum ?? schema.enum;
  if (words !== undefined) {
    const some =
      schema.type === 'array'
        ? fc.subarray([...words], { minLength: 1 })
        : fc.constantFrom(...words).map((one) => [one]);
    return some.map((each) => [each.join(',')]);
  }
  if (schema.type === 'integer')
    return fc.integer({ min: schema.minimum!, max: schema.maximum! }).map((each) => [String(each)]);
  if (schema.type === 'array')
    return fc.array(
      text.filter((each) => !each.includes(',')),
      { minLength: 1, maxLength: 4 },
    );
  return text.map((each) => [each]);
}

/** Values that it does not allow. */
function bad(one: Parameter): fc.Arbitrary<readonly string[]> {
  const { name, schema } = one;
  const kinds: fc.Arbitrary<readonly string[]>[] = [fc.constant([''])];
  if (schema.type !== 'array') kinds.push(fc.tuple(good(one), good(one)).map(([[a], [b]]) => [a!, b!]));
  if (name === 'since' || name === 'until') kinds.push(fc.constantFrom(...NO_TIMES).map((each) => [each]));
  const words = schema.items?.enum ?? schema.enum;
  if (words !== undefined)
    kinds.push(text.filter((each) => each.split(',').some((word) => !words.includes(word))).map((each) => [each]));
  if (schema.type === 'integer') {
    const beyond = [String(schema.minimum! - 1), String(schema.maximum! + 1)];
    for (const each of [beyond, NO_NUMBERS]) kinds.push(fc.constantFrom(...each).map((one) => [one]));
  }
  if (name === 'q') kinds.push(fc.constant(['x'.repeat(201)]));
  return fc.oneof(...kinds);
}

/** Some parameters of an operation, most of them right, now and then one that it does not have. */
function query(operation: Operation): fc.Arbitrary<Given[]> {
  // A cursor is good for one place of one run only; it has tests of its own.
  const known = (operation.parameters ?? []).filter((each) => each.in === 'query' && each.name !== 'cursor');
  const names = new Set(known.map(({ name }) => name).concat('cursor'));
  const one = (each: Parameter): fc.Arbitrary<Given[]> =>
    fc.oneof(
      { weight: 5, arbitrary: fc.constant<Given[]>([]) },
      { weight: 3, arbitrary: good(each).map((values) => [{ name: each.name, values, isFault: false }]) },
      { weight: 2, arbitrary: bad(each).map((values) => [{ name: each.name, values, isFault: true }]) },
    );
  const stranger = text
    .filter((name) => !names.has(name))
    .map((name): Given[] => [{ name, values: ['1'], isFault: true }]);
  const maybeStranger = fc.oneof(
    { weight: 9, arbitrary: fc.constant<Given[]>([]) },
    { weight: 1, arbitrary: stranger },
  );
  return fc.tuple(...known.map(one), maybeStranger).map((all) => all.flat());
}

const searchOf = (given: readonly Given[]): string =>
  given
    .flatMap(({ name, values }) => values.map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`))
    .join('&');

/** Ids that exist, and others. */
const ids = fc.oneof(fc.constantFrom('d-1', 'd-2', 'd-5', 'e', 'c-1', 'c-2'), text);

/** The answer has a status of the description, in its shape. */
function expectDescribed(spec: Spec, { responses }: Operation, got: Got): void {
  const response = responses[got.status];
  expect(response, `status ${got.status} is described: ${got.text}`).toBeDefined();
  const isProblem = response?.$ref === '#/components/responses/Problem';
  const lines = response?.content?.['application/x-ndjson'] !== undefined;
  const type = lines ? 'application/x-ndjson' : 'application/json';
  expect(got.headers['content-type']).toBe(isProblem ? 'application/problem+json' : type);
  // Of the rows of an export, a test of its own reads each.
  if (lines && !isProblem) return;
  const problem = { $ref: '#/components/schemas/Problem' };
  const schema = isProblem ? problem : (response?.content?.['application/json']?.schema as Schema);
  expect(breaches(spec, schema, got.body)).toEqual([]);
}

const faultsIn = (got: Got): string[] => [...new Set(got.body.errors?.map(({ parameter }) => parameter))].sort();
const wellFormed = (id: string): boolean => /^\P{Cs}+$/u.test(id);

async function chance() {
  const clock = { now: NOON };
  const served = await filled({ now: () => clock.now });
  const spec = await specOf(served);
  // A second between two requests: the rate limit has tests of its own.
  const tick = () => {
    clock.now += 1000;
  };
  return { ...served, spec, tick };
}

describe('any request', async () => {
  const paths = Object.entries((await specOfAll()).paths).filter(([path]) => path.startsWith('/api/v1/'));
  const reads = paths.flatMap(([path, { get }]) => (get === undefined || path.endsWith('/stream') ? [] : [path]));
  const changes = paths.flatMap(([path, { post }]) => (post === undefined ? [] : [path]));

  it.each(reads)('GET %s: a described answer; exactly the wrong parameters are refused', async (path) => {
    const { spec, get, faults, tick } = await chance();
    const operation = spec.paths[path]!.get!;
    await fc.assert(
      fc.asyncProperty(query(operation), ids.filter(wellFormed), async (given, id) => {
        tick();
        const wrong = [...new Set(given.filter(({ isFault }) => isFault).map(({ name }) => name))].sort();
        const got = await get(`${path.replace('{id}', encodeURIComponent(id))}?${searchOf(given)}`);
        expectDescribed(spec, operation, got);
        if (wrong.length === 0) expect([200, 404]).toContain(got.status);
        else if (got.status !== 404) expect([got.status, faultsIn(got)]).toEqual([400, wrong]);
      }),
      propertyOptions(150),
    );
    expect(faults).toEqual([]);
  });

  it.each(changes)('POST %s: a described answer to any body, and no fault of ours', async (path) => {
    const { spec, get, faults, tick } = await chance();
    const operation = spec.paths[path]!.post!;
    const names = ['reason', 'by', 'filter', 'limit', 'dry_run', 'token', '__proto__', 'constructor'];
    const filter = fc.dictionary(
      fc.constantFrom('user', 'type', 'status', 'since', 'colour'),
      fc.oneof(text, fc.array(text)),
    );
    const value = fc.oneof(text, filter, fc.integer(), fc.boolean(), fc.jsonValue({ maxDepth: 3 }));
    const members = fc.dictionary(fc.constantFrom(...names), value, { noNullPrototype: true });
    const body = fc.oneof(
      { weight: 8, arbitrary: members.map((each) => JSON.stringify(each)) },
      { weight: 1, arbitrary: fc.json() },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 100 }) },
    );
    const headers = { 'content-type': 'application/json', 'x-ackspan-request': '1' };
    await fc.assert(
      fc.asyncProperty(body, ids.filter(wellFormed), async (body, id) => {
        tick();
        const got = await get(path.replace('{id}', encodeURIComponent(id)), { method: 'POST', headers, body });
        expectDescribed(spec, operation, got);
      }),
      propertyOptions(150),
    );
    expect(faults).toEqual([]);
  });

  it('the stream takes the parameters that the description allows, and no others', async () => {
    const { spec, get, tick } = await chance();
    const path = '/api/v1/stream';
    await fc.assert(
      fc.asyncProperty(query(spec.paths[path]!.get!), async (given) => {
        tick();
        const { status } = await get(`${path}?${searchOf(given)}`, { method: 'HEAD' });
        expect(status).toBe(given.some(({ isFault }) => isFault) ? 400 : 200);
      }),
      propertyOptions(150),
    );
  });
});

it('the description holds together: every reference leads somewhere, every part of a path is a parameter', async () => {
  const spec = await specOfAll();
  const references = [...JSON.stringify(spec).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g)];
  expect(references.length).toBeGreaterThan(20);
  const components = spec.components as unknown as Record<string, Record<string, unknown>>;
  for (const [, kind, name] of references) expect(Object.keys(components[kind!]!)).toContain(name);
  for (const [path, { get, post }] of Object.entries(spec.paths))
    for (const operation of [get, post])
      if (operation !== undefined) {
        const parts = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
        const described = (operation.parameters ?? []).filter((each) => each.in === 'path').map(({ name }) => name);
        expect([path, described]).toEqual([path, parts]);
      }
});

async function specOfAll(): Promise<Spec> {
  const deps = adminDeps();
  const route = createRoutes(deps, createParts(deps)).find(({ path }) => path === '/openapi.json');
  const answer = (await route?.answer?.(ASK)) as { body: string };
  return JSON.parse(answer.body) as Spec;
}
