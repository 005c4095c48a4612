// The hand-written description against the server: the same paths, the same parameters, and real answers in the promised shape.
import { describe, expect, it } from 'vitest';
import { createRoutes } from '../../src/admin/server.ts';
import { ERROR_TYPES, STATUSES } from '../../src/delivery/words.ts';
import { ada, adminDeps, connection, NOON, type Served, serve, settle, track } from './fixture.ts';

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

interface Operation {
  readonly security?: readonly unknown[];
  readonly parameters?: readonly { name: string; in: string; description: string; schema: Schema }[];
  readonly responses: Readonly<Record<string, { content?: Record<string, { schema: Schema }>; $ref?: string }>>;
}

interface Spec {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, { readonly get: Operation }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

async function specOf(served: Served): Promise<Spec> {
  return (await served.get('/openapi.json')).body as unknown as Spec;
}

function typeOf(value: unknown): readonly string[] {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  return Number.isInteger(value) ? ['integer', 'number'] : [typeof value];
}

/** Every way in which a value breaks a schema, for the few keywords that the description uses. */
function breaches(spec: Spec, schema: Schema, value: unknown, at = '$'): string[] {
  if (schema.$ref !== undefined) {
    const named = spec.components.schemas[schema.$ref.split('/').at(-1) ?? ''];
    return named === undefined ? [`${at}: no schema ${schema.$ref}`] : breaches(spec, named, value, at);
  }
  const found: string[] = [];
  if (schema.type !== undefined && ![schema.type].flat().some((type) => typeOf(value).includes(type)))
    return [`${at}: ${typeOf(value)[0]} is not ${schema.type}`];
  if (schema.enum !== undefined && !schema.enum.includes(value)) found.push(`${at}: ${value} is not listed`);
  if (schema.const !== undefined && schema.const !== value) found.push(`${at}: ${value} is not ${schema.const}`);
  if (schema.pattern !== undefined && typeof value === 'string' && !new RegExp(schema.pattern).test(value))
    found.push(`${at}: ${value} does not match`);
  if (schema.items !== undefined)
    for (const [i, item] of (value as unknown[]).entries())
      found.push(...breaches(spec, schema.items, item, `${at}[${i}]`));
  if (schema.properties !== undefined) {
    const members = value as Record<string, unknown>;
    for (const name of schema.required ?? []) if (!(name in members)) found.push(`${at}.${name} is missing`);
    for (const [name, member] of Object.entries(members)) {
      const known = schema.properties[name];
      found.push(
        ...(known === undefined ? [`${at}.${name} is not described`] : breaches(spec, known, member, `${at}.${name}`)),
      );
    }
  }
  return found;
}

/** A store with one delivery of every status, one probed, one upgraded. */
async function filled(): Promise<Served> {
  const served = await serve({
    connections: () => [connection(1), connection(2, { user: 'ada' })],
    traceId: ({ seq }) => (seq === 1 ? '0123456789abcdef'.repeat(2) : undefined),
    watch: () => () => undefined,
    health: () => ({ ready: false, reasons: ['draining'] }),
  });
  for (const [i, status] of STATUSES.entries()) {
    const delivery = track(served.store, { seq: i + 1, id: 'e', session: ada });
    if (status === 'pending') continue;
    delivery.attemptLog = [{ kind: 'probe', number: 2, at: NOON + 1000, delay: 1000, result: 'sent' }];
    if (status === 'retrying') delivery.status = status;
    else settle(served.store, delivery, status, NOON + 2000);
    if (status === 'failed') delivery.errorType = 'rejected';
    if (status === 'confirmed') delivery.upgradedAt = NOON + 3000;
  }
  return served;
}

describe('description', () => {
  it('describes exactly the routes that exist, and which are open', async () => {
    const spec = await specOf(await serve());
    const routes = createRoutes(adminDeps());
    expect(spec.openapi).toBe('3.1.0');
    expect(Object.keys(spec.paths).sort()).toEqual(routes.map(({ path }) => path).sort());
    for (const { path, open } of routes)
      expect([path, spec.paths[path]?.get.security]).toEqual([path, open ? [] : undefined]);
  });

  it('names exactly the parameters that each list accepts', async () => {
    const served = await filled();
    const spec = await specOf(served);
    for (const path of ['/api/v1/deliveries', '/api/v1/connections', '/api/v1/stats', '/api/v1/stream']) {
      const { errors } = (await served.get(`${path}?no-such-parameter=1`)).body as unknown as {
        errors: { parameter: string; allowed: string[] }[];
      };
      const described = spec.paths[path]?.get.parameters?.map(({ name }) => name).sort();
      expect([path, described]).toEqual([path, errors[0]?.allowed]);
    }
  });

  it('lists for each closed parameter the values that the server allows', async () => {
    const served = await filled();
    const spec = await specOf(served);
    for (const path of ['/api/v1/deliveries', '/api/v1/connections', '/api/v1/stream'])
      for (const { name, schema } of spec.paths[path]?.get.parameters ?? []) {
        if (schema.items?.enum === undefined) continue;
        const { body } = await served.get(`${path}?${name}=no-such-value`);
        expect([name, schema.items.enum]).toEqual([name, body.errors[0]?.allowed]);
      }
  });

  it.each<[string, string]>([
    ['/health', '/health'],
    ['/healthz', '/healthz'],
    ['/readyz', '/readyz'],
    ['/api/v1/stats', '/api/v1/stats'],
    ['/api/v1/deliveries', '/api/v1/deliveries?limit=3'],
    ['/api/v1/deliveries', '/api/v1/deliveries?limit=nothing'],
    ...STATUSES.map((_, i): [string, string] => ['/api/v1/deliveries/{id}', `/api/v1/deliveries/d-${i + 1}`]),
    ['/api/v1/deliveries/{id}', '/api/v1/deliveries/nobody'],
    ['/api/v1/connections', '/api/v1/connections'],
    ['/api/v1/connections', '/api/v1/connections?x=1'],
  ])('%s answers %s in the shape described for that status', async (template, path) => {
    const served = await filled();
    const spec = await specOf(served);
    const { status, headers, body } = await served.get(path);
    const response = spec.paths[template]?.get.responses[status];
    expect(response, `${status} is described`).toBeDefined();
    const isProblem = response?.$ref === '#/components/responses/Problem';
    expect(headers['content-type']).toBe(isProblem ? 'application/problem+json' : 'application/json');
    const schema = isProblem
      ? { $ref: '#/components/schemas/Problem' }
      : response?.content?.['application/json']?.schema;
    expect(breaches(spec, schema as Schema, body)).toEqual([]);
  });

  it('the checker of this test sees a wrong type, a missing and an undescribed member', async () => {
    const spec = await specOf(await serve());
    const ready = { $ref: '#/components/schemas/Ready' };
    expect(breaches(spec, ready, { ready: 'yes', extra: 1 })).toEqual([
      '$.reasons is missing',
      '$.ready: string is not boolean',
      '$.extra is not described',
    ]);
    expect(ERROR_TYPES.filter((type) => type !== '' && JSON.stringify(spec).includes(`"${type}"`))).toHaveLength(
      ERROR_TYPES.length - 1,
    );
  });
});
