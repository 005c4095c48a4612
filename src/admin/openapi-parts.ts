// admin: the pieces that descriptions of the API are made of: JSON Schema (OpenAPI 3.1) and operations.

export const text = { type: 'string' };
export const count = { type: 'integer', minimum: 0 };
export const time = { type: 'string', format: 'date-time' };
export const optionalText = { type: ['string', 'null'] };
export const optionalTime = { type: ['string', 'null'], format: 'date-time' };
export const optionalNumber = { type: ['number', 'null'] };

/** An object of exactly these members; those in `optional` may be missing. */
export function exactly(properties: Readonly<Record<string, object>>, optional: readonly string[] = []): object {
  const required = Object.keys(properties).filter((name) => !optional.includes(name));
  return { type: 'object', properties, required, additionalProperties: false };
}

/** One count for each name. */
export function counts(names: readonly string[], description: string): object {
  return { ...exactly(Object.fromEntries(names.map((name) => [name, count]))), description };
}

export function listOf(name: string): object {
  return { type: 'array', items: ref(name) };
}

export function ref(name: string): object {
  return { $ref: `#/components/schemas/${name}` };
}

export function parameter(name: string, schema: object, description: string): object {
  return { name, in: 'query', required: false, schema, description };
}

/** Several words, separated by commas or given by repeating the parameter. */
export function words(name: string, items: object, description: string): object {
  return { ...parameter(name, { type: 'array', items }, description), style: 'form', explode: false };
}

export function answers(schema: string, description: string): object {
  return { description, content: { 'application/json': { schema: ref(schema) } } };
}

const refused = { $ref: '#/components/responses/Problem' };

/** One operation; `errors` are the statuses that answer with a problem. */
function operation(summary: string, ok: object, errors: readonly string[], parameters: readonly object[]): object {
  const responses = { 200: ok, ...Object.fromEntries(errors.map((status) => [status, refused])) };
  return { summary, parameters, responses };
}

/** A resource that is read. */
export function read(
  summary: string,
  ok: object,
  errors: readonly string[],
  parameters: readonly object[] = [],
): object {
  return { get: operation(summary, ok, [...errors, '403', '429'], parameters) };
}

export interface Change {
  /** Name of the schema of what is sent. */
  readonly body: string;
  readonly ok: object;
  readonly errors: readonly string[];
  readonly parameters?: readonly object[];
}

/** A resource that changes something. */
export function change(summary: string, { body, ok, errors, parameters = [] }: Change): object {
  const requestBody = { required: true, content: { 'application/json': { schema: ref(body) } } };
  const all = ['400', '403', '413', '415', '429', ...errors];
  return { post: { ...operation(summary, ok, all, parameters), requestBody } };
}

/** A health operation: no token, 503 in the same shape. */
export function probe(summary: string, schema: string, canFail: boolean): object {
  const responses = { 200: answers(schema, 'Yes.'), ...(canFail ? { 503: answers(schema, 'No.') } : {}) };
  return { get: { summary, security: [], responses } };
}
