// mcp: the tools that only read: deliveries, one explained, a user's connections, losses of a time, the objective.
import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { type AdminClient, nameOf } from '../admin-client/client.ts';
import { explain } from '../admin-client/explain.ts';
import type { DeliveryFilter } from '../admin-client/filter.ts';
import { findCase } from '../admin-client/find-case.ts';
import { quoted } from '../admin-client/printable.ts';
import { explainUnknown } from '../admin-client/unknown.ts';
import { whyNobody } from '../admin-client/whose.ts';
import { count } from '../admin-client/wording.ts';
import { LEVELS, PRIORITIES, STATUSES } from '../delivery/words.ts';
import { answered } from './answer.ts';
import { askEach } from './instances.ts';
import { lossText } from './loss-report.ts';
import { detailOf, type Losses } from './losses.ts';
import { objectiveText } from './objective.ts';
import { connectionLine, deliveryLine, explanationText } from './sentences.ts';

export interface ToolDeps {
  readonly client: AdminClient;
  /** Other instances of the same service. */
  readonly others: readonly AdminClient[];
  readonly losses: Losses;
}

const text = z.string().min(1).max(500);
const words = (allowed: readonly string[]) => z.array(z.enum(allowed as [string, ...string[]])).min(1);
const since = text.describe(
  'Sent since: a duration back from now such as 15m, 2h or 1d, or a time such as 2026-01-31T12:00:00Z',
);
const until = text.describe('Sent before: the same spellings');

/** The filters of deliveries, as parameters of a tool. */
export const FILTER = {
  user: text.optional().describe('Only this user (proven, not claimed)'),
  type: z.array(text).min(1).optional().describe('Only these event types'),
  status: words(STATUSES).optional().describe('Only these statuses'),
  priority: words(PRIORITIES).optional(),
  level: words(['none', ...LEVELS])
    .optional()
    .describe('Only with this evidence so far'),
  reason: z
    .array(text)
    .min(1)
    .optional()
    .describe('Only what ended for these reasons, such as disconnected, rejected, shutdown, never_answered'),
  session: text.optional(),
  connection: text.optional().describe('Only what was sent over this connection'),
  id_contains: text.optional().describe('A part of the id of the delivery, event, run or tool call'),
  since: since.optional(),
  until: until.optional(),
};

/** The filters as parameters of the admin API. */
export function filterOf(given: z.infer<z.ZodObject<typeof FILTER>>) {
  const { type, status, priority, level, reason, id_contains: q, user, session, connection, since, until } = given;
  const listed = (list: readonly string[] | undefined): string | undefined => list?.join(',');
  return {
    ...{ user, session, connection, q, since, until },
    ...{
      type: listed(type),
      status: listed(status),
      priority: listed(priority),
      level: listed(level),
      reason: listed(reason),
    },
  };
}

const READS = { readOnlyHint: true, openWorldHint: false } as const;

export function registerReadTools(server: McpServer, deps: ToolDeps): void {
  const { client, others } = deps;
  server.registerTool(
    'find_deliveries',
    {
      title: 'Find deliveries',
      description:
        'Lists events that were pushed to clients, newest first, with what came of each. Ask with a user, a type or a part of an id; status failed, timeout and unverifiable are those not confirmed.',
      inputSchema: z.object({ ...FILTER, limit: z.number().int().min(1).max(200).default(25) }),
      annotations: READS,
    },
    ({ limit, ...given }) =>
      answered(client.place, async () => {
        const { answers, leftOut } = await askEach([client, ...others], (each) => of(each, filterOf(given), limit));
        const items = answers
          .flatMap((each) => each.items)
          .sort((a, b) => Date.parse(b.delivery.sent_at) - Date.parse(a.delivery.sent_at))
          .slice(0, limit);
        const where = (instance: string): string => (others.length === 0 ? '' : `, on instance ${quoted(instance)}`);
        if (items.length === 0) {
          const hint = given.user === undefined ? [] : await whyNobody(client, given.user);
          return [
            'No delivery in flight or in the bounded history matches. Older ones are in traces and metrics only.',
            ...hint,
            ...leftOut,
          ].join('\n');
        }
        const more =
          answers.some((each) => each.more) || answers.reduce((sum, each) => sum + each.items.length, 0) > limit;
        const head = more ? `The newest ${count(items.length)}; more match.` : `${count(items.length)} match.`;
        return [head, ...items.map((each) => deliveryLine(each.delivery) + where(each.instance)), ...leftOut].join(
          '\n',
        );
      }),
  );
  server.registerTool(
    'explain_delivery',
    {
      title: 'Explain one delivery',
      description:
        'Why one event did or did not reach its client: the cause in words, the evidence for it, the time line, and what to do. Takes the id of a delivery (d-…) or of an event.',
      inputSchema: z.object({
        id: text,
        instance: text.optional().describe('Where there are several instances: the one that the list named'),
      }),
      annotations: READS,
    },
    ({ id, instance }) => answered(client.place, () => explainOne(deps, id, instance)),
  );
  server.registerTool(
    'connections_of_user',
    {
      title: 'Connections of a user',
      description:
        'Where a user is connected, and with include_closed how earlier connections ended: by whom, with which code, after how long. Says also who only claims to be that user.',
      inputSchema: z.object({ user: text, include_closed: z.boolean().default(true) }),
      annotations: READS,
    },
    ({ user, include_closed }) =>
      answered(client.place, async () => {
        const state = include_closed ? 'any' : 'open';
        const { answers, leftOut } = await askEach([client, ...others], (each) => ofUser(each, user, state));
        return [...answers.flat(), ...leftOut].join('\n');
      }),
  );
  server.registerTool(
    'loss_report',
    {
      title: 'Loss report',
      description:
        'What was not confirmed in a stretch of time: by cause, by type, by user, and bursts in which many sessions lost events at once.',
      inputSchema: z.object({ since: since.default('1h'), until: until.optional() }),
      annotations: READS,
    },
    (range) => answered(client.place, () => lossText(deps, range)),
  );
  server.registerTool(
    'objective_state',
    {
      title: 'State of the objective',
      description:
        'Confirmation rate against the objective over five minutes, an hour and since the start, error budget left, what is pending, limits that were reached, and whether the sidecar is ready.',
      inputSchema: z.object({}),
      annotations: READS,
    },
    () => answered(client.place, () => objectiveText(client, deps.losses)),
  );
}

/**
 * The explanation of delivery `id`. The first instance that knows it explains it; else what the
 * stream told of it is explained; else the answer says why nothing is known.
 */
async function explainOne({ client, others, losses }: ToolDeps, id: string, instance?: string): Promise<string> {
  const all = [client, ...others];
  const asked = instance === undefined ? all : all.filter((each) => nameOf(each) === instance);
  if (asked.length === 0)
    return `No instance is called ${quoted(instance ?? '')}; there are ${all.map(nameOf).join(', ')}.`;
  const { hit, also, failure } = await findCase(asked, id, all);
  if (hit !== undefined) {
    const more =
      also.length === 0
        ? ''
        : `\nThat is the one of ${nameOf(hit.client)}. These have another one of that id: ${also.map(nameOf).join(', ')}; name the instance to ask for it.`;
    return explanationText(explain(hit.found), hit.found.delivery.timeline) + more;
  }
  const seen = losses.find(id);
  if (seen !== undefined) {
    const explained = explain({ delivery: detailOf(seen), alike: undefined, sightings: undefined, turnedAway: [] });
    const note = 'The sidecar does not know it any more; this is what its live stream told before.';
    return `${note}\n${explanationText(explained)}`;
  }
  if (failure !== undefined) throw failure;
  return explanationText(await explainUnknown(asked[0]!, id));
}

/**
 * The deliveries of one instance, each with the instance's name, because ids are unique in one
 * process only.
 */
async function of(client: AdminClient, filter: DeliveryFilter, limit: number) {
  const { items, more } = await client.everyDelivery(filter, limit);
  return { items: items.map((delivery) => ({ delivery, instance: nameOf(client) })), more };
}

async function ofUser(client: AdminClient, user: string, state: string): Promise<string[]> {
  const [proven, claimed] = await Promise.all([
    client.everyConnection({ user, state }, 100),
    client.everyConnection({ claimed_user: user, state }, 20),
  ]);
  const where = quoted(client.place.base);
  const lines = proven.items.map(connectionLine);
  const claims = claimed.items.filter((each) => each.user !== user).map(connectionLine);
  return [
    lines.length === 0
      ? `On ${where} user ${quoted(user)} has no connection.`
      : `On ${where}, ${count(lines.length)} of user ${quoted(user)}:`,
    ...lines,
    ...(claims.length === 0 ? [] : ['These only claim to be that user, without proof:', ...claims]),
  ];
}
