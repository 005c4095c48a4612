// page: the table of deliveries: filtered, live at its top, held while the reader reads, with older pages below.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { DeliveryJson, DeliveryPageJson, StreamJson } from '../admin/shapes.ts';
import { ApiError, read, type Search } from './api.ts';
import { DeliveryTable } from './delivery-table.tsx';
import { FILTERS, Filters } from './filters.tsx';
import { count } from './format.ts';
import { useLiveEvent, useShared, useTitle } from './hooks.ts';
import { Replay } from './replay.tsx';
import { EMPTY_TAIL, release, type Tail, take } from './tail.ts';

type Params = Readonly<Record<string, string>>;

const PAGE = 50;
/** Steps a second that a person can follow. */
const RATE = 60;
/**
 * Filters that the stream can apply, because their answer does not change while a delivery goes on.
 */
const STEADY = ['q', 'type', 'priority', 'user', 'session', 'connection'];
/**
 * Choices of statuses that the stream can apply too. Outcomes are final, but an open delivery may
 * become anything.
 */
const FINAL = /^(?:(?:confirmed|failed|timeout|unverifiable),?)+$/;
/** Time between two looks at rows that may have changed unseen, ms. */
const RECHECK_MS = 5_000;

function searchOf(params: Params): Search {
  return Object.fromEntries(FILTERS.flatMap((name) => (params[name] === undefined ? [] : [[name, params[name]]])));
}

function streamOf(params: Params): Search {
  const steady = Object.fromEntries(
    STEADY.flatMap((name) => (params[name] === undefined ? [] : [[name, params[name]]])),
  );
  const final = FINAL.test(params.status ?? '') ? { status: params.status, reason: params.reason } : {};
  return { events: 'step,connection,stats', rate: RATE, ...steady, ...final };
}

export function Deliveries({ params }: { params: Params }) {
  useTitle('Deliveries');
  const key = FILTERS.map((name) => params[name] ?? '').join('\n');
  return (
    <section>
      <div class="title-row">
        <h1>Deliveries</h1>
        <Replay filter={searchOf(params)} />
      </div>
      <Filters params={params} />
      <LiveTable key={key} params={params} />
    </section>
  );
}

interface Book {
  readonly tail: Tail;
  readonly cursor: string | null;
  readonly totals: { readonly pending: number; readonly recent: number } | undefined;
  readonly error: string;
  readonly loading: boolean;
}

/** The rows of one set of filters. */
function useRows(params: Params, held: boolean) {
  const { live, loggedOut } = useShared();
  const [book, setBook] = useState<Book>({
    tail: EMPTY_TAIL,
    cursor: null,
    totals: undefined,
    error: '',
    loading: true,
  });
  const steps = useRef<StreamJson['step'][]>([]);
  const frame = useRef(0);
  const search = searchOf(params);
  // No dependencies are needed: other filters make a new component.
  const load = useCallback(async (cursor: string | undefined): Promise<void> => {
    try {
      const page = await read<DeliveryPageJson>('deliveries', { ...search, limit: PAGE, cursor });
      setBook((before) => merged(before, page, cursor !== undefined));
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      if (problem.status === 401) loggedOut();
      setBook((before) => ({ ...before, error: problem.message, loading: false }));
    }
  }, []);
  // One set of filters runs this once.
  useEffect(() => {
    live.want(streamOf(params));
    void load(undefined);
    return () => {
      cancelAnimationFrame(frame.current);
      live.want({ events: 'stats,connection' });
    };
  }, []);
  const draw = (): void => {
    frame.current = 0;
    const taken = steps.current;
    steps.current = [];
    setBook((before) => ({ ...before, tail: take(before.tail, taken, params, held) }));
  };
  useLiveEvent('step', (step) => {
    steps.current.push(step);
    // Many steps are drawn at once, in the next frame.
    if (frame.current === 0) frame.current = requestAnimationFrame(draw);
  });
  useLiveEvent('dropped', ({ count: missed }) => {
    setBook((before) => {
      const sum = missed === null || before.tail.missed === null ? null : before.tail.missed + missed;
      return { ...before, tail: { ...before.tail, missed: sum } };
    });
    if (missed === null && !held) void load(undefined);
  });
  useRecheck(book.tail.rows, held, () => void load(undefined));
  const jump = (): void => {
    setBook((before) => ({ ...before, tail: release(before.tail) }));
    void load(undefined);
  };
  return { book, load, jump };
}

/**
 * Merges a page of the list into the rows. The page is newer than the steps that the stream told
 * before.
 */
function merged(before: Book, page: DeliveryPageJson, older: boolean): Book {
  const { deliveries, pending, recent, next_cursor } = page;
  const known = new Set(deliveries.map(({ id }) => id));
  const rest = before.tail.rows.filter(({ id }) => !known.has(id));
  const oldest = deliveries.at(-1);
  // A row that the page would hold, and does not, does not match the filters any more.
  const kept =
    older || oldest === undefined ? rest : rest.filter((row) => row.sent_at <= oldest.sent_at && next_cursor !== null);
  const rows = older ? [...rest, ...deliveries] : [...deliveries, ...kept];
  const cursor = older || before.cursor === null || kept.length === 0 ? next_cursor : before.cursor;
  return { tail: { ...before.tail, rows }, cursor, totals: { pending, recent }, error: '', loading: false };
}

/** Reads rows in flight again, because the stream may not have told their end. */
function useRecheck(rows: readonly DeliveryJson[], held: boolean, reload: () => void): void {
  const open = !held && rows.slice(0, PAGE).some(({ status }) => status === 'pending' || status === 'retrying');
  const latest = useRef(reload);
  latest.current = reload;
  useEffect(() => {
    if (!open) return;
    const timer = setInterval(() => !document.hidden && latest.current(), RECHECK_MS);
    return () => clearInterval(timer);
  }, [open]);
}

function LiveTable({ params }: { params: Params }) {
  const [paused, setPaused] = useState(false);
  const [scrolled, setScrolled] = useState(false);
  useEffect(() => {
    const onScroll = (): void => setScrolled(scrollY > 320);
    addEventListener('scroll', onScroll, { passive: true });
    return () => removeEventListener('scroll', onScroll);
  }, []);
  const held = paused || scrolled || params.until !== undefined;
  const { book, load, jump } = useRows(params, held);
  const { tail, totals, error, loading, cursor } = book;
  const jumpToNow = (): void => {
    setPaused(false);
    scrollTo({ top: 0 });
    jump();
  };
  return (
    <>
      <div class="tail-bar">
        <button type="button" data-pause aria-pressed={paused} onClick={() => (paused ? jumpToNow() : setPaused(true))}>
          {paused ? '▶ Go on' : '❚❚ Pause'}
        </button>
        {(held || tail.waiting.length > 0) && params.until === undefined && (
          <button type="button" class="primary" onClick={jumpToNow}>
            ↑ Jump to now
            {tail.waiting.length > 0 ? ` (${tail.waiting.length === 200 ? '200+' : tail.waiting.length} new)` : ''}
          </button>
        )}
        <span class="quiet" role="status">
          {paused ? 'Paused. ' : ''}
          {totals === undefined ? '' : `${count(totals.pending)} in flight, ${count(totals.recent)} in the history.`}
        </span>
        {tail.missed !== 0 && (
          <span class="warn-text">
            {tail.missed === null ? 'Some steps' : `${count(tail.missed)} steps`} came faster than they can be shown;
            filters still look at all.
          </span>
        )}
      </div>
      {error !== '' && (
        <p class="stale" role="alert">
          {error}
        </p>
      )}
      <DeliveryTable rows={tail.rows} loading={loading} />
      {cursor !== null && (
        <p class="more">
          <button type="button" onClick={() => void load(cursor)}>
            Older ones
          </button>
        </p>
      )}
    </>
  );
}
