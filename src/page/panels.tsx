// page: the panels of the overview: losses by reason, priorities against their objectives, evidence, capabilities.
import type { AboutJson } from '../admin/shapes.ts';
import type { SummaryJson, WindowJson } from '../admin/stats-shapes.ts';
import { CAUSES, type EndingFacts, endingOf } from '../admin-client/causes.ts';
import { count, part, percent, spoken, target } from './format.ts';
import { writePlace } from './url.ts';

/** One bar of a list. The longest bar is the scale. */
interface Bar {
  readonly key: string;
  readonly name: string;
  readonly value: number;
  readonly tone: string;
  readonly hint?: string | undefined;
  readonly href?: string | undefined;
}

function Bars({ bars, empty }: { bars: readonly Bar[]; empty: string }) {
  const shown = bars.filter(({ value }) => value > 0);
  const most = Math.max(...shown.map(({ value }) => value));
  const all = shown.reduce((sum, { value }) => sum + value, 0);
  if (shown.length === 0) return <p class="quiet">{empty}</p>;
  return (
    <ul class="bars">
      {shown.map(({ key, name, value, tone, hint, href }) => (
        <li key={key} title={hint}>
          <span class="bar-name">{href === undefined ? name : <a href={href}>{name}</a>}</span>
          <meter class={tone} min={0} max={most} value={value} aria-label={`${name}: ${value}`} />
          <span class="number">
            {count(value)} <span class="quiet">{part(value / all)}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}

/** The cause of an ending, in a few words. */
function titleOf(facts: EndingFacts): string | undefined {
  const id = endingOf(facts);
  return id === undefined ? undefined : CAUSES[id].title;
}

export function Losses({ window }: { window: WindowJson }) {
  const lost = Object.entries(window.losses).map(([reason, value]) => ({
    key: `lost ${reason}`,
    name: spoken(reason),
    value,
    tone: 'bad',
    hint: titleOf({
      status: reason === 'timeout' ? 'timeout' : 'failed',
      error_type: reason,
      unverifiable_reason: null,
    }),
    href: writePlace(['deliveries'], { status: reason === 'timeout' ? 'timeout' : 'failed', reason }),
  }));
  const unsure = Object.entries(window.unverifiable_reasons).map(([reason, value]) => ({
    key: `unsure ${reason}`,
    name: spoken(reason),
    value,
    tone: 'unsure',
    hint: titleOf({ status: 'unverifiable', error_type: null, unverifiable_reason: reason }),
    href: writePlace(['deliveries'], { status: 'unverifiable', reason }),
  }));
  const byValue = (a: Bar, b: Bar): number => b.value - a.value;
  return (
    <section class="card" aria-labelledby="losses">
      <h2 id="losses">Lost, by reason</h2>
      <Bars bars={lost.sort(byValue)} empty="Nothing was lost." />
      <h3>Unverifiable, by reason</h3>
      <Bars bars={unsure.sort(byValue)} empty="Nothing is unverifiable." />
    </section>
  );
}

export function Priorities({ window, objective }: { window: WindowJson; objective: AboutJson['objective'] }) {
  const rows = Object.entries(window.by_priority) as [
    keyof WindowJson['by_priority'],
    WindowJson['by_priority']['low'],
  ][];
  return (
    <section class="card" aria-labelledby="priorities">
      <h2 id="priorities">Priorities</h2>
      <table class="plain-table">
        <thead>
          <tr>
            <th scope="col">Priority</th>
            <th scope="col" class="number">
              Rate
            </th>
            <th scope="col" class="number">
              Objective
            </th>
            <th scope="col" class="number">
              Lost
            </th>
            <th scope="col" class="number lesser">
              Tracked
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map(([priority, row]) => (
            <tr key={priority}>
              <th scope="row">
                <a href={writePlace(['deliveries'], { priority })}>{priority}</a>
              </th>
              <td class={`number ${row.rate === null ? '' : row.rate < objective[priority] ? 'bad' : 'good'}`}>
                {percent(row.rate)}
              </td>
              <td class="number quiet">{target(objective[priority])}</td>
              <td class="number">{count(row.failed + row.timeout)}</td>
              <td class="number lesser">{count(row.tracked)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

export function Levels({ window }: { window: WindowJson }) {
  const { received, processed } = window.levels;
  return (
    <section class="card" aria-labelledby="levels">
      <h2 id="levels">Evidence</h2>
      <Bars
        empty="Nothing was confirmed."
        bars={[
          {
            key: 'received',
            name: 'received',
            value: received,
            tone: 'info',
            hint: "The client's WebSocket stack parsed it.",
          },
          {
            key: 'processed',
            name: 'processed',
            value: processed,
            tone: 'good',
            hint: 'The application said that it handled it.',
          },
        ]}
      />
      <p class="quiet note">
        <em>received</em>: a ping behind the message was answered. <em>processed</em>: the application said so.
      </p>
    </section>
  );
}

export function Capabilities({ summary }: { summary: SummaryJson }) {
  const { open, by_capability: by } = summary.connections;
  const href = (capability: string): string => writePlace(['connections'], { capability });
  return (
    <section class="card" aria-labelledby="capabilities">
      <h2 id="capabilities">
        Open connections <span class="number quiet">{count(open)}</span>
      </h2>
      <Bars
        empty="Nobody is connected."
        bars={[
          { key: 'processed', name: 'confirm themselves', value: by.processed, tone: 'good', href: href('processed') },
          { key: 'received', name: 'answer pings', value: by.received, tone: 'info', href: href('received') },
          { key: 'none', name: 'answer nothing', value: by.none, tone: 'unsure', href: href('none') },
        ]}
      />
      {by.none > 0 && (
        <p class="quiet note">
          A connection that answers nothing proves nothing: what was sent there ends unverifiable.
        </p>
      )}
    </section>
  );
}
