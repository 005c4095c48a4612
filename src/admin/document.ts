// admin: docs/admin-api.md, written from the description of the API.
import { PATHS } from './openapi.ts';
import { SCHEMAS } from './openapi-schemas.ts';

const INTRODUCTION = `# The admin API

<!-- Written by \`npm run docs\` from src/admin/openapi.ts. Change it there. -->

The admin server is at \`admin.listen\` (127.0.0.1:9464), and under \`admin.mount\` of the public port
where that is set. \`/openapi.json\` says the same as this page, for programs.

## Who may ask

- With \`admin.token\`, a request needs \`Authorization: Bearer TOKEN\`, or the cookie of a log-in (\`POST /api/v1/login\`; HttpOnly, SameSite=Strict,
  ten hours). Without a token the server listens on loopback only, and answers only to a loopback name in the Host header.
- Changes are \`POST\` with \`Content-Type: application/json\`. Without a bearer token they also need the header \`X-Ackspan-Request: 1\` (also on loopback
  without any token): a page of another origin cannot send it. Nothing is granted to other origins (no CORS).
- Each address may ask 100 times a second, change 5 times a second, and be wrong about the token once in three seconds, each with some room for
  bursts. Beyond that the answer is 429 with \`Retry-After\`. With \`admin.read_only\` every change is 403 (\`read_only\`).

## What holds everywhere

- Times are ISO 8601 in UTC. \`…_ms\` are milliseconds; those of a delivery count from its send. Unknown parameters and members are 400.
- Lists come newest first, in pages: \`next_cursor\` is the \`cursor\` of the next page; null = no more. New entries shift nothing. A cursor
  is good until the process restarts.
- Several values of a parameter are separated by commas, or the parameter is repeated.
- Errors are \`application/problem+json\` (RFC 9457): \`detail\` for people, \`code\` for programs where there is one, \`errors\` for each wrong parameter.
- Every change carries a \`reason\`, and may carry \`by\`; both go to the log with what was done (\`stage: audit\`). The token proves no person, and \`by\` is what
  the caller says.
- A change by hand is no evidence (SPEC D23): \`confirm\` ends a delivery \`unverifiable: operator\`, which is in neither part of the confirmation rate.

## The stream

\`GET /api/v1/stream\` is a stream of server-sent events. \`step\`, \`connection\` and \`stats\` have an \`id\`: after a break the stream goes on behind
\`Last-Event-ID\`, if that was within the latest 2,048 steps, the break not longer than 15 s, and the query the same. \`dropped\` says how many steps a
follower was not given, because it read too slowly or \`rate\` was reached; \`{"count":null}\` = it missed steps and nobody knows how many: read the lists
again. At most 16 followers.

| event | data |
| --- | --- |
| \`step\` | \`{ step, at, delivery: Delivery }\`: \`step\` as in a timeline |
| \`connection\` | \`{ step: opened, capability or closed, at, connection: Connection }\` |
| \`stats\` | \`Line\`, once a second |
| \`dropped\` | \`{ count }\` |
`;

interface Schema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly $ref?: string;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly description?: string;
  readonly format?: string;
  readonly default?: unknown;
}

interface Operation {
  readonly summary: string;
  readonly parameters?: readonly { name: string; in: string; schema: Schema; description: string }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { schema: Schema }>> };
  readonly responses: Readonly<Record<string, { $ref?: string; content?: Record<string, { schema?: Schema }> }>>;
}

/** The whole of docs/admin-api.md. */
export function adminApiPage(): string {
  const operations = Object.entries(PATHS as Readonly<Record<string, Readonly<Record<string, Operation>>>>).flatMap(
    ([path, methods]) => Object.entries(methods).map(([method, operation]) => section(path, method, operation)),
  );
  const shapes = Object.entries(SCHEMAS as Readonly<Record<string, Schema>>).map(([name, schema]) =>
    shape(name, schema),
  );
  return [INTRODUCTION, '## Resources\n', ...operations, '## Shapes\n', ...shapes].join('\n');
}

function section(path: string, method: string, { summary, parameters, requestBody, responses }: Operation): string {
  const lines = [`### ${method.toUpperCase()} ${path}\n`, `${summary}.\n`];
  const query = (parameters ?? []).filter((each) => each.in === 'query');
  for (const { name, schema, description } of query)
    lines.push(`- \`${name}\` (${kind(schema)}${byDefault(schema)}): ${description}`);
  if (query.length > 0) lines.push('');
  const body = requestBody?.content['application/json']?.schema;
  const [media, ok] = Object.entries(responses['200']?.content ?? {})[0] ?? [];
  const errors = Object.keys(responses).filter((status) => responses[status]?.$ref !== undefined);
  const answer = ok?.schema === undefined ? `\`${media}\`` : kind(ok.schema);
  const sent = body === undefined ? '' : `Body: ${kind(body)}. `;
  const refused = errors.length === 0 ? '' : ` Problems: ${errors.join(', ')}.`;
  lines.push(`${sent}Answer: ${answer}.${refused}\n`);
  return lines.join('\n');
}

function shape(name: string, schema: Schema): string {
  const lines = [`### ${name}\n`];
  const { properties, required } = schema;
  if (properties === undefined) lines.push(schema.description ?? kind(schema));
  for (const [member, each] of Object.entries(properties ?? {})) {
    const text = each.description === undefined ? '' : `: ${each.description}`;
    lines.push(`- \`${member}\`${required?.includes(member) === true ? '' : ' (optional)'}: ${kind(each)}${text}`);
  }
  return `${lines.join('\n')}\n`;
}

function byDefault(schema: Schema): string {
  return schema.default === undefined ? '' : `, default ${schema.default}`;
}

/** A schema in a few words. */
function kind(schema: Schema): string {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) as string;
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(' ');
  if (schema.const !== undefined) return `\`${schema.const}\``;
  if (schema.oneOf !== undefined) return schema.oneOf.map(kind).join(' or ');
  const types = [schema.type ?? 'any'].flat();
  if (types.includes('array')) return `list of ${kind(schema.items ?? {})}`;
  if (schema.properties !== undefined) return `{ ${Object.keys(schema.properties).join(', ')} }`;
  return types.map((type) => (type === 'string' && schema.format === 'date-time' ? 'time' : type)).join(' or ');
}
