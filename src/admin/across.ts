// admin: lists and details over all instances that share a store: the name of each stands in its rows.
import { createConnectionlessAsk } from './asks.ts';
import type { AdminDeps } from './ports.ts';
import { badQuery, json, problem } from './reply.ts';
import type { Answer, Ask, Route } from './route.ts';
import type { InstancesJson } from './shapes.ts';

/** The other instances. */
export interface Across {
  /** The name of this one. */
  readonly instance: string;
  /**
   * What the others answer to a GET of `target` (path and query), as JSON; '' = nothing. `missing`:
   * how many did not answer in time.
   */
  read(target: string): Promise<{
    readonly answers: readonly { readonly instance: string; readonly body: string }[];
    readonly missing: number;
  }>;
}

const ALONE: Across = { instance: 'this', read: async () => ({ answers: [], missing: 0 }) };

type Body = Readonly<Record<string, unknown>>;
interface From {
  readonly instance: string;
  readonly body: Body;
}

/**
 * A list of this instance as a list of all: `list` names its rows, `time` what orders them, newest
 * first; left out: by instance.
 */
export function acrossList(deps: AdminDeps, own: Route, list: string, time = ''): Route {
  const { across = ALONE } = deps;
  return {
    path: own.path.replace('/api/v1/', '/api/v1/instances/'),
    open: false,
    async answer(ask) {
      const cursors = readCursors(ask.search);
      if (cursors === undefined)
        return badQuery([
          { parameter: 'cursor', fault: 'not a cursor', allowed: ['next_cursor of the previous page'] },
        ]);
      const target = `${own.path}?${ask.search}`;
      const mine = await ownPage(own, ask, across.instance, cursors);
      if (mine !== undefined && mine.status !== 200) return mine;
      const { answers, missing } = await across.read(target);
      const all: From[] = [];
      for (const { instance, body } of [{ instance: across.instance, body: bodyOf(mine) }, ...answers]) {
        const read = readBody(body);
        if (read !== undefined) all.push({ instance, body: read });
      }
      return json(200, merged(all, list, time, missing));
    },
  };
}

/**
 * One record, at whichever instance has it. `time` tells the newest, where several have one of that
 * event.
 */
export function acrossOne(deps: AdminDeps, own: Route, time: string): Route {
  const { across = ALONE } = deps;
  return {
    path: own.path.replace('/api/v1/', '/api/v1/instances/'),
    open: false,
    async answer(ask) {
      const mine = (await own.answer!(ask)) as Answer;
      if (mine.status !== 200 && mine.status !== 404) return mine;
      const target = `${own.path.replace('{id}', encodeURIComponent(ask.params.id ?? ''))}`;
      const { answers, missing } = await across.read(target);
      const found = [{ instance: across.instance, body: mine.status === 200 ? String(mine.body) : '' }, ...answers]
        .map(({ instance, body }) => ({ instance, body: readBody(body) }))
        .filter((each): each is From => each.body !== undefined)
        .sort((a, b) => String(b.body[time]).localeCompare(String(a.body[time])));
      const [newest] = found;
      if (newest === undefined)
        return problem(404, `No instance has it${missing > 0 ? `; ${missing} did not answer` : ''}.`);
      return json(200, { ...newest.body, instance: newest.instance });
    },
  };
}

/** What this instance answers to another one that reads `target`; '' = nothing. */
export async function answerAcross(routes: readonly Route[], target: string, instance: string): Promise<string> {
  const [path = '', search = ''] = target.split('?', 2);
  for (const route of routes) {
    const params = paramsOf(route.path, path);
    if (params === undefined || route.answer === undefined) continue;
    const ask = createConnectionlessAsk(params, search);
    const cursors = readCursors(search);
    const answer = cursors === undefined ? undefined : await ownPage(route, ask, instance, cursors);
    return answer?.status === 200 ? bodyOf(answer) : '';
  }
  return '';
}

function paramsOf(template: string, path: string): Record<string, string> | undefined {
  if (!template.endsWith('{id}')) return template === path ? {} : undefined;
  const before = template.slice(0, -'{id}'.length);
  const rest = path.startsWith(before) ? path.slice(before.length) : '';
  return rest === '' || rest.includes('/') ? undefined : { id: decodeURIComponent(rest) };
}

/** The page of this instance; undefined = it has shown all that it has. */
async function ownPage(
  own: Route,
  ask: Ask,
  instance: string,
  cursors: ReadonlyMap<string, string> | 'first',
): Promise<Answer | undefined> {
  const query = new URLSearchParams(ask.search);
  query.delete('cursor');
  if (cursors !== 'first') {
    const cursor = cursors.get(instance);
    if (cursor === undefined) return undefined;
    query.set('cursor', cursor);
  }
  return (await own.answer!({ ...ask, search: query.toString() })) as Answer;
}

/** A cursor of all is those of the instances that have more. */
function readCursors(search: string): ReadonlyMap<string, string> | 'first' | undefined {
  const text = new URLSearchParams(search).get('cursor');
  if (text === null || text === '') return 'first';
  const value = readBody(Buffer.from(text, 'base64url').toString());
  if (value === undefined || !Object.values(value).every((each) => typeof each === 'string')) return undefined;
  return new Map(Object.entries(value as Record<string, string>));
}

function merged(all: readonly From[], list: string, time: string, missing: number): object {
  const rows = all.flatMap(({ instance, body }) => {
    const own = body[list];
    return Array.isArray(own) ? own.map((row: Body) => ({ ...row, instance })) : [];
  });
  if (time !== '') rows.sort((a, b) => String((b as Body)[time] ?? '').localeCompare(String((a as Body)[time] ?? '')));
  const more = all.filter(({ body }) => typeof body.next_cursor === 'string');
  const cursors = Object.fromEntries(more.map(({ instance, body }) => [instance, body.next_cursor]));
  const next = more.length === 0 ? null : Buffer.from(JSON.stringify(cursors)).toString('base64url');
  const scope: InstancesJson = { instances: all.map(({ instance }) => instance), missing };
  return { [list]: rows, next_cursor: next, ...scope };
}

function bodyOf(answer: Answer | undefined): string {
  return answer === undefined ? '' : String(answer.body);
}

function readBody(text: string): Body | undefined {
  if (text === '') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Body) : undefined;
  } catch {
    // Another version's answer, or a cursor that nobody gave out.
    return undefined;
  }
}
