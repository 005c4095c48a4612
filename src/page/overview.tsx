// page: the state of things: the confirmation rate, then charts, losses, priorities, evidence, connections, users.
import { useEffect, useState } from 'preact/hooks';
import type { LineJson, LinesJson, SummaryJson, WindowJson } from '../admin/stats-shapes.ts';
import { Charts } from './charts.tsx';
import { OpenButton } from './drop.tsx';
import { count, duration, percent, target } from './format.ts';
import { patchPlace, useFetched, useLiveEvent, useLiveStatus, usePlace, useShared, useTitle } from './hooks.ts';
import { Capabilities, Levels, Losses, Priorities } from './panels.tsx';
import { Loading, Stale } from './parts.tsx';
import { TopTypes, TopUsers } from './top.tsx';

const WINDOWS = { '5m': 'last 5 minutes', '1h': 'last hour', start: 'since the start' } as const;
type WindowName = keyof typeof WINDOWS;
/** What a second must have counted for the head to be read again. */
const NEWS = ['tracked', 'confirmed', 'failed', 'timeout', 'unverifiable', 'shed'] as const;

export function Overview() {
  useTitle('Overview');
  const { params } = usePlace();
  const chosen: WindowName = params.w === '1h' || params.w === 'start' ? params.w : '5m';
  const summary = useFetched<SummaryJson>('summary', {}, 5000);
  // The head is never older than a loss in its own charts.
  useLiveEvent('stats', (line) => {
    if (NEWS.some((count) => line[count] > 0)) summary.reload();
  });
  const lines = useLines(chosen === '1h' ? '1h' : '5m');
  return (
    <div class="overview">
      <div class="title-row">
        <h1 class="visually-hidden">Overview</h1>
        <WindowChoice chosen={chosen} />
        <OpenButton />
      </div>
      <Stale of={summary} />
      <Loading of={summary}>
        {summary.data !== undefined && <Board summary={summary.data} chosen={chosen} lines={lines} />}
      </Loading>
    </div>
  );
}

function Board({ summary, chosen, lines }: { summary: SummaryJson; chosen: WindowName; lines: readonly LineJson[] }) {
  const { about } = useShared();
  const window = summary.windows[chosen];
  return (
    <>
      <Hero summary={summary} window={window} chosen={chosen} />
      <Charts lines={lines} objective={about.objective.all} window={chosen === '1h' ? '1h' : '5m'} />
      <div class="grid">
        <Losses window={window} />
        <Priorities window={window} objective={about.objective} />
        <Levels window={window} />
        <Capabilities summary={summary} />
        <TopUsers />
        <TopTypes />
      </div>
    </>
  );
}

function WindowChoice({ chosen }: { chosen: WindowName }) {
  return (
    <fieldset class="choice">
      <legend class="visually-hidden">Time window</legend>
      {(Object.keys(WINDOWS) as WindowName[]).map((name) => (
        <label key={name} class={name === chosen ? 'chosen' : ''}>
          <input
            type="radio"
            name="window"
            checked={name === chosen}
            onChange={() => patchPlace({ w: name === '5m' ? undefined : name })}
          />
          {WINDOWS[name]}
        </label>
      ))}
    </fieldset>
  );
}

/** The words and the colour of a rate, by its objective. */
function verdictOf({ rate }: WindowJson, objective: number): { tone: string; text: string } {
  if (rate === null) return { tone: 'idle', text: 'Nothing has been settled yet' };
  if (rate >= objective) return { tone: 'good', text: `Meets the objective of ${target(objective)}` };
  return { tone: 'bad', text: `Below the objective of ${target(objective)}` };
}

function Hero({ summary, window, chosen }: { summary: SummaryJson; window: WindowJson; chosen: WindowName }) {
  const { about } = useShared();
  const { tone, text } = verdictOf(window, about.objective.all);
  const lost = window.failed + window.timeout;
  const judged = window.confirmed + lost;
  return (
    <section class={`hero card ${tone}`} aria-label="Confirmation rate">
      <div class="hero-number">
        <p class="big">
          <span class="visually-hidden">Confirmation rate </span>
          {percent(window.rate)}
        </p>
        <p class="hero-verdict">
          <span class="dot" aria-hidden="true" />
          {text}
        </p>
        <p class="quiet">
          {count(window.confirmed)} of {count(judged)} deliveries proven received, {WINDOWS[chosen]}
        </p>
      </div>
      <div class="hero-budget">
        {(['5m', '1h'] as const).map((name) => (
          <Budget key={name} name={WINDOWS[name]} window={summary.windows[name]} />
        ))}
      </div>
      <dl class="hero-facts">
        <Fact name="In flight" value={count(summary.pending)} href="#/deliveries?status=pending,retrying" />
        <Fact name="Lost" value={count(lost)} tone={lost > 0 ? 'bad' : ''} href="#/deliveries?status=failed,timeout" />
        <Fact
          name="Unverifiable"
          value={count(window.unverifiable)}
          tone={window.unverifiable > 0 ? 'unsure' : ''}
          href="#/deliveries?status=unverifiable"
        />
        <Fact name="Shed" value={count(window.shed)} tone={window.shed > 0 ? 'warn' : ''} />
        <Fact name="Took, p50" value={duration(window.p50_ms)} />
        <Fact name="Took, p95" value={duration(window.p95_ms)} />
        <Fact name="Took, p99" value={duration(window.p99_ms)} />
      </dl>
    </section>
  );
}

function Fact({ name, value, tone = '', href }: { name: string; value: string; tone?: string; href?: string }) {
  return (
    <div class={tone}>
      <dt>{name}</dt>
      <dd>{href === undefined ? value : <a href={href}>{value}</a>}</dd>
    </div>
  );
}

/** The part of the allowed losses that is left in a window. */
function Budget({ name, window }: { name: string; window: WindowJson }) {
  const left = window.budget_left;
  const share = left === null ? 0 : Math.max(0, Math.min(1, left));
  const tone = left === null ? 'idle' : left < 0 ? 'bad' : left < 0.25 ? 'warn' : 'good';
  const said =
    left === null ? 'nothing settled' : left < 0 ? `overdrawn by ${percent(-left, 0)}` : `${percent(left, 0)} left`;
  return (
    <div class={`budget ${tone}`}>
      <p>
        <span>Budget, {name}</span>
        <strong>{said}</strong>
      </p>
      <progress max={1} value={share} aria-label={`Error budget ${name}: ${said}`} />
    </div>
  );
}

/**
 * Lines of a window. Those of five minutes are read once and continued by the stream; those of an
 * hour are read again.
 */
function useLines(window: '5m' | '1h'): readonly LineJson[] {
  const read = useFetched<LinesJson>('lines', { window }, window === '1h' ? 10_000 : 0);
  const [told, setTold] = useState<readonly LineJson[]>([]);
  useLiveEvent('stats', (line) => {
    if (window === '5m') setTold((before) => [...before.slice(-299), line]);
  });
  const { state } = useLiveStatus();
  // The seconds of a break are not told afterwards: they are read.
  useEffect(() => {
    if (state === 'live' && read.at > 0) read.reload();
  }, [state]);
  const base = read.data?.lines ?? [];
  if (window === '1h') return base;
  const last = base.at(-1)?.at ?? '';
  return [...base, ...told.filter(({ at }) => at > last)].slice(-300);
}
