// admin-client: what can be said of an event that an admin server does not know.
import { CAUSES } from './causes.ts';
import type { AdminClient } from './client.ts';
import type { Explanation } from './explain.ts';
import { quoted } from './printable.ts';
import { counted } from './wording.ts';

/**
 * Explains why the sidecar may have no record of `id`: limits that let events pass untracked,
 * rules, the bounded history, or a late start.
 */
export async function explainUnknown(client: AdminClient, id: string): Promise<Explanation> {
  const [about, stats] = await Promise.all([client.about(), client.stats()]);
  const untracked = Object.entries(stats.untracked).filter(([, messages]) => messages > 0);
  const shed = Object.entries(stats.by_priority).filter(([, row]) => row.shed > 0);
  const evidence = [
    `${quoted(client.place.base)} has run since ${about.started_at}: what was sent before is not in it.`,
    ...(stats.shed === 0
      ? ['No event was shed: no limit let events pass untracked.']
      : [
          `A limit was reached: ${counted(stats.shed, 'event')} passed untracked since then (${shed.map(([priority, row]) => `${priority} ${row.shed}`).join(', ')}).`,
        ]),
    ...(untracked.length === 0
      ? []
      : [
          `Messages that the rules or their shape left untracked: ${untracked.map(([reason, messages]) => `${reason} ${messages}`).join(', ')}.`,
        ]),
  ];
  const cause = stats.shed > 0 ? 'shed' : 'unknown_here';
  const headline = `Nothing is known here of ${quoted(id)}.`;
  return { id: cause, ...CAUSES[cause], headline, evidence };
}
