// The hand-written description against the server: the same paths, the same parameters, and real answers in the promised shape.
import { describe, expect, it } from 'vitest';
import { createParts, createRoutes } from '../../src/admin/server.ts';
import { ERROR_TYPES, STATUSES } from '../../src/delivery/words.ts';
import { breaches, type Schema, specOf } from './described.ts';
import { filled } from './filled.ts';
import { adminDeps, serve } from './fixture.ts';

describe('description', () => {
  it('describes exactly the routes that exist, and which are open', async () => {
    const spec = await specOf(await serve());
    const deps = adminDeps();
    const routes = createRoutes(deps, createParts(deps));
    expect(spec.openapi).toBe('3.1.0');
    expect(Object.keys(spec.paths).sort()).toEqual(routes.map(({ path }) => path).sort());
    for (const { path, open, answer, change } of routes) {
      const { get, post } = spec.paths[path] ?? {};
      expect([path, get !== undefined, post !== undefined]).toEqual([path, answer !== undefined, change !== undefined]);
      expect([path, (get ?? post)?.security]).toEqual([path, open ? [] : undefined]);
    }
  });

  it('names exactly the parameters that each list accepts', async () => {
    const served = await filled();
    const spec = await specOf(served);
    for (const path of Object.keys(spec.paths).filter((each) => each.startsWith('/api/'))) {
      const operation = spec.paths[path]?.get;
      if (operation === undefined) continue;
      const { errors } = (await served.get(`${path.replace('{id}', 'c-2')}?no-such-parameter=1`)).body as unknown as {
        errors: { parameter: string; allowed: string[] }[];
      };
      const described = operation.parameters?.filter((each) => each.in === 'query').map(({ name }) => name);
      expect([path, described?.sort()]).toEqual([path, errors[0]?.allowed]);
    }
  });

  it('lists for each closed parameter the values that the server allows', async () => {
    const served = await filled();
    const spec = await specOf(served);
    for (const [path, { get }] of Object.entries(spec.paths))
      for (const { name, schema } of get?.parameters ?? []) {
        const words = schema.items?.enum ?? schema.enum;
        if (words === undefined) continue;
        const { body } = await served.get(`${path.replace('{id}', 'c-2')}?${name}=no-such-value`);
        expect([path, name, words]).toEqual([path, name, body.errors[0]?.allowed]);
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
    ['/api/v1/connections', '/api/v1/connections?state=any'],
    ['/api/v1/unmatched', '/api/v1/unmatched'],
    ['/api/v1/dead-letters', '/api/v1/dead-letters'],
    ['/api/v1/drain', '/api/v1/drain'],
    ['/api/v1/connections/{id}', '/api/v1/connections/c-1'],
    ['/api/v1/connections/{id}', '/api/v1/connections/nobody'],
    ['/api/v1/connections/{id}/messages', '/api/v1/connections/c-2/messages'],
    ['/api/v1/connections/{id}/messages', '/api/v1/connections/c-2/messages?limit=1'],
    ['/api/v1/sessions', '/api/v1/sessions'],
    ['/api/v1/about', '/api/v1/about'],
    ['/api/v1/summary', '/api/v1/summary'],
    ['/api/v1/lines', '/api/v1/lines?window=1h'],
    ['/api/v1/top', '/api/v1/top?by=type&sort=slowest'],
  ])('%s answers %s in the shape described for that status', async (template, path) => {
    const served = await filled();
    const spec = await specOf(served);
    const { status, headers, body } = await served.get(path);
    const response = spec.paths[template]?.get?.responses[status];
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
