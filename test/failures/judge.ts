// failures: what must not be: events lost, doubled or out of order in an application, and deliveries with two outcomes or none.
import { faultsOf } from '../kills/handed.ts';
import type { App, Run } from '../support/agent-runs.ts';
import type { ReceivedSpan } from '../support/otlp-decode.ts';
import type { Guarantee } from './guarantee.ts';

export interface Outcomes {
  readonly confirmed: number;
  /** Any other outcome. */
  readonly other: number;
  readonly none: number;
  readonly two: number;
}

export interface Written {
  readonly without: readonly unknown[];
  readonly several: readonly unknown[];
}

export interface Judged {
  readonly sent: number;
  readonly handed: number;
  readonly outcomes: Outcomes;
  readonly wrong: readonly string[];
}

interface Evidence {
  readonly guarantee: Guarantee;
  /** Whether a process ended in the cell: the events that it had not read yet are nobody's. */
  readonly died: boolean;
  readonly apps: ReadonlyMap<string, App>;
  readonly runs: ReadonlyMap<string, Run>;
  /** How many events each application must have been handed at least. */
  readonly due: ReadonlyMap<App, number>;
  readonly spans: readonly ReceivedSpan[];
  /** What the store was told: deliveries without an end, and with several. */
  readonly written: Written | undefined;
}

export function judge(evidence: Evidence): Judged {
  const { apps, runs, spans, written } = evidence;
  let [sent, handed] = [0, 0];
  const wrong: string[] = [];
  for (const [user, app] of apps) {
    const run = runs.get(user);
    sent += run?.sent ?? 0;
    handed += app.numbers.length;
    wrong.push(...ofApp(evidence, user, app, run));
  }
  const ends = endsBy(spans);
  const none = evidence.died ? 0 : [...ends.values()].reduce((left) => left - 1, sent);
  const denied = [...apps].flatMap(([user, { numbers }]) =>
    numbers.filter((n) => lost(ends.get(`${user}-${n}`))).map((n) => `${user}-${n}`),
  );
  if (denied.length > 0)
    wrong.push(
      `${denied.length} events were handed over and are called lost: ${denied.slice(0, 5)} (${ends.get(denied[0]!)})`,
    );
  const several = [...ends].filter(([, outcomes]) => outcomes.length > 1);
  wrong.push(...several.slice(0, 5).map(([id, outcomes]) => `${id} has several spans: ${outcomes}`));
  if (none !== 0) wrong.push(`${none} events have no span`);
  const all = [...ends.values()].flat();
  const confirmed = all.filter((outcome) => outcome === 'confirmed').length;
  if (written !== undefined && written.without.length > 0)
    wrong.push(`written down and without an outcome: ${written.without.slice(0, 5)}`);
  if (written !== undefined && written.several.length > 0)
    wrong.push(`written down with several outcomes: ${written.several.slice(0, 5)}`);
  const outcomes = {
    confirmed,
    other: all.length - confirmed,
    none: none + (written?.without.length ?? 0),
    two: several.length + (written?.several.length ?? 0),
  };
  if (evidence.guarantee === 'whole' && outcomes.other > 0)
    wrong.push(`${outcomes.other} deliveries are not confirmed`);
  return { sent, handed, outcomes, wrong };
}

function ofApp({ guarantee, died, due }: Evidence, user: string, app: App, run: Run | undefined): string[] {
  const wrong = faultsOf(run, app.numbers);
  if (guarantee !== 'whole') return wrong;
  const least = died ? (due.get(app) ?? 0) : (run?.sent ?? 0);
  if (app.numbers.length < least) wrong.push(`${user} was handed ${app.numbers.length} events of ${least}`);
  return wrong;
}

/** Whether it has an outcome and none of its outcomes admits that it came. */
const lost = (outcomes: readonly string[] | undefined): boolean =>
  outcomes?.every((outcome) => /^(failed|timeout)/.test(outcome)) ?? false;

/** The outcomes of each event id, over the spans of all processes. */
function endsBy(spans: readonly ReceivedSpan[]): Map<string, string[]> {
  const ends = new Map<string, string[]>();
  for (const { name, attributes } of spans) {
    if (!name.startsWith('send ')) continue;
    const id = String(attributes['messaging.message.id']);
    const outcome = [attributes['ackspan.delivery.outcome'], attributes['error.type']].filter(Boolean).join(': ');
    ends.set(id, [...(ends.get(id) ?? []), String(outcome)]);
  }
  return ends;
}
