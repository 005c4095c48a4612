// mcp: what assistants are told, as short lines of text: ids and words from outside stand in quotes.
import type { ConnectionJson, DeliveryJson, StepJson } from '../admin/shapes.ts';
import { brief } from '../admin-client/brief.ts';
import { type Explanation, ended } from '../admin-client/explain.ts';
import { quoted } from '../admin-client/printable.ts';
import { stepText } from '../admin-client/timeline.ts';
import { count, time } from '../admin-client/wording.ts';

/** A delivery as one line. */
export function deliveryLine(delivery: DeliveryJson): string {
  const { id, type, event_id, user, status, settled_ms, sent_at, attempts, priority } = delivery;
  const parts = [
    `${quoted(id)} ${status}`,
    `type ${quoted(type)} (${priority})`,
    ...(event_id === null ? [] : [`event ${quoted(event_id)}`]),
    ...(user === null ? [] : [`user ${quoted(user)}`]),
    `sent ${sent_at}`,
    ...(settled_ms === null ? [] : [`after ${time(settled_ms)}`]),
    ...(attempts > 1 ? [`${count(attempts)} tries`] : []),
    ...(brief(delivery) === '' ? [] : [`cause: ${brief(delivery)}`]),
  ];
  return `- ${parts.join(', ')}`;
}

/** A connection as one line. */
export function connectionLine(connection: ConnectionJson): string {
  const { id, user, claimed_user, capability, opened_at, closed_at, path, remote, pending, messages, session } =
    connection;
  const whose =
    user !== null
      ? `user ${quoted(user)}`
      : claimed_user !== null
        ? `claims user ${quoted(claimed_user)} without proof`
        : 'no user';
  const state =
    closed_at === null
      ? `open since ${opened_at}, ${count(pending)} pending`
      : `opened ${opened_at}; ${ended(connection)} at ${closed_at}`;
  return `- ${quoted(id)}, ${whose}, session ${quoted(session)}, ${quoted(path)} from ${quoted(remote)}: ${state}; ${count(messages)} messages; can prove: ${capability}`;
}

/** The explanation of one delivery, with its time line where there is one. */
export function explanationText(
  { headline, title, id, evidence, means, todo }: Explanation,
  timeline: readonly StepJson[] = [],
): string {
  return [
    headline,
    `Cause: ${title} [${id ?? 'unknown'}]`,
    ...(evidence.length === 0 ? [] : ['', 'Evidence:', ...evidence.map((each) => `- ${each}`)]),
    ...(timeline.length === 0
      ? []
      : ['', 'Time line:', ...timeline.map((step) => `- +${time(step.after_ms)}: ${stepText(step)}`)]),
    '',
    `What this usually means: ${means}`,
    ...(todo.length === 0 ? [] : ['', 'What to do:', ...todo.map((each, i) => `${i + 1}. ${each}`)]),
  ].join('\n');
}
