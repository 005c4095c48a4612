// mcp: the losses of a time range in words.
import type { DeliveryJson } from '../admin/shapes.ts';
import { CAUSES } from '../admin-client/causes.ts';
import { quoted } from '../admin-client/printable.ts';
import { type Report, reportOf, type Share } from '../admin-client/report.ts';
import { count, counted, deliveries } from '../admin-client/wording.ts';
import { askEach } from './instances.ts';
import type { ToolDeps } from './read-tools.ts';

/** Most losses that one report reads. */
const MOST = 5_000;
const LOST = 'failed,timeout,unverifiable';

/** The report of one time range, over all instances that were named. */
export async function lossText(
  { client, others }: Pick<ToolDeps, 'client' | 'others'>,
  range: { readonly since: string; readonly until?: string | undefined },
): Promise<string> {
  const { answers: lists, leftOut } = await askEach([client, ...others], (each) =>
    each.everyDelivery({ ...range, status: LOST }, MOST),
  );
  const lost = lists.flatMap(({ items }) => items);
  const { answers: stats } = await askEach([client, ...others], (each) => each.stats());
  const passed = stats.reduce((sum, { shed }) => sum + shed, 0);
  const shed =
    passed === 0
      ? []
      : [
          `Beside these, ${count(passed)} events since the start passed untracked because a limit was reached: ${CAUSES.shed.title}.`,
        ];
  if (lost.length === 0)
    return ['Nothing that was tracked in that time ended otherwise than confirmed.', ...shed, ...leftOut].join('\n');
  const cut = lists.some(({ more }) => more)
    ? [`Only the newest ${count(MOST)} of each instance were read; there are more.`]
    : [];
  return [...text(reportOf(lost), lost), ...cut, ...shed, ...leftOut].join('\n');
}

function text(report: Report, lost: readonly DeliveryJson[]): string[] {
  const oldest = lost.reduce((first, { sent_at }) => (sent_at < first ? sent_at : first), lost[0]!.sent_at);
  return [
    `Not confirmed: ${deliveries(report.deliveries)} of ${counted(report.sessions, 'session')} (${counted(report.users, 'known user')}); the oldest was sent ${oldest}.`,
    '',
    'By cause:',
    ...report.byCause.map(
      ({ name, count: many, example }) => `- ${count(many)}: ${name} (example: ${quoted(example)})`,
    ),
    '',
    `By event type: ${listed(report.byType)}`,
    ...(report.byUser.length === 0 ? [] : [`By user: ${listed(report.byUser)}`]),
    '',
    ...(report.bursts.length === 0
      ? ['No burst: at no moment did many sessions lose events at once.']
      : [
          'Bursts, each one event of the network, a proxy or the backend rather than of single clients:',
          ...report.bursts.map(
            ({ from, to, why, deliveries: many, sessions }) =>
              `- ${new Date(from).toISOString()} to ${new Date(to).toISOString()}: ${deliveries(many)} of ${counted(sessions, 'session')}, ${why}`,
          ),
        ]),
  ];
}

function listed(shares: readonly Share[]): string {
  const shown = shares.slice(0, 10).map(({ name, count: many }) => `${quoted(name)} ${count(many)}`);
  return shown.join(', ') + (shares.length > 10 ? `, and ${count(shares.length - 10)} more` : '');
}
