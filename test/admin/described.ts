// The description of the admin API as tests use it, and a checker of values against its schemas.
import type { Served } from './fixture.ts';

export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly pattern?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly minimum?: number;
  readonly maximum?: number;
}

export interface Parameter {
  readonly name: string;
  readonly in: string;
  readonly description: string;
  readonly schema: Schema;
}

export interface Operation {
  readonly security?: readonly unknown[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } };
  readonly responses: Readonly<Record<string, { content?: Record<string, { schema: Schema }>; $ref?: string }>>;
}

export interface Spec {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, { readonly get?: Operation; readonly post?: Operation }>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

export async function specOf(served: Served): Promise<Spec> {
  return (await served.get('/openapi.json')).body as unknown as Spec;
}

function typeOf(value: unknown): readonly string[] {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  return Number.isInteger(value) ? ['integer', 'number'] : [typeof value];
}

/** Every way in which a value breaks a schema, for the few keywords that the description uses. */
export function breaches(spec: Spec, schema: Schema, value: unknown, at = '$'): string[] {
  if (schema.$ref !== undefined) {
    const named = spec.components.schemas[schema.$ref.split('/').at(-1) ?? ''];
    return named === undefined ? [`${at}: no schema ${schema.$ref}`] : breaches(spec, named, value, at);
  }
  if (schema.oneOf !== undefined) {
    const fits = schema.oneOf.filter((one) => breaches(spec, one, value, at).length === 0).length;
    return fits === 1 ? [] : [`${at}: fits ${fits} of ${schema.oneOf.length} shapes`];
  }
  const found: string[] = [];
  if (schema.type !== undefined && ![schema.type].flat().some((type) => typeOf(value).includes(type)))
    return [`${at}: ${typeOf(value)[0]} is not ${schema.type}`];
  if (schema.enum !== undefined && !schema.enum.includes(value)) found.push(`${at}: ${value} is not listed`);
  if (schema.const !== undefined && schema.const !== value) found.push(`${at}: ${value} is not ${schema.const}`);
  if (schema.pattern !== undefined && typeof value === 'string' && !new RegExp(schema.pattern).test(value))
    found.push(`${at}: ${value} does not match`);
  if (typeof value === 'number' && (value < (schema.minimum ?? value) || value > (schema.maximum ?? value)))
    found.push(`${at}: ${value} is out of bounds`);
  if (schema.items !== undefined && value !== null)
    for (const [i, item] of (value as unknown[]).entries())
      found.push(...breaches(spec, schema.items, item, `${at}[${i}]`));
  if (schema.properties !== undefined && value !== null) {
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
