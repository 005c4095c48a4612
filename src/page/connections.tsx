// page: the connections that are open, those that were, and what each can prove.

import { useEffect, useState } from 'preact/hooks';
import type { ConnectionJson, ConnectionPageJson } from '../admin/shapes.ts';
import { ApiError, read } from './api.ts';
import { count, duration } from './format.ts';
import { patchPlace, useFetched, useLiveEvent, useTitle } from './hooks.ts';
import { Capability, Loading, Stale, Time } from './parts.tsx';
import { writePlace } from './url.ts';

type Params = Readonly<Record<string, string>>;

const STATES = { '': 'open', closed: 'lately closed', any: 'both' } as const;
const CAPABILITIES = {
  '': 'any',
  processed: 'confirm themselves',
  received: 'answer pings',
  none: 'answer nothing',
} as const;
const PAGE = 100;
/** Time for which openings and closings are collected before the list is read again, ms. */
const SETTLE_MS = 700;

export function Connections({ params }: { params: Params }) {
  useTitle('Connections');
  const search = { state: params.state, capability: params.capability, user: params.user, session: params.session };
  const fetched = useFetched<ConnectionPageJson>('connections', { ...search, limit: PAGE }, 5000);
  const [older, setOlder] = useState<{ rows: readonly ConnectionJson[]; cursor: string | null }>();
  const { reload } = fetched;
  const key = JSON.stringify(search);
  // Another filter begins again with the first page.
  useEffect(() => setOlder(undefined), [key]);
  useSettled(reload);
  const cursor = older === undefined ? (fetched.data?.next_cursor ?? null) : older.cursor;
  const more = async (): Promise<void> => {
    try {
      const page = await read<ConnectionPageJson>('connections', {
        ...search,
        limit: PAGE,
        cursor: cursor ?? undefined,
      });
      setOlder({ rows: [...(older?.rows ?? []), ...page.connections], cursor: page.next_cursor });
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      reload();
    }
  };
  const first = fetched.data?.connections ?? [];
  const known = new Set(first.map(({ id }) => id));
  const rows = [...first, ...(older?.rows ?? []).filter(({ id }) => !known.has(id))];
  return (
    <section>
      <div class="title-row">
        <h1>Connections</h1>
      </div>
      <form class="filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
        <Choice name="state" label="Which" words={STATES} params={params} />
        <Choice name="capability" label="Can prove" words={CAPABILITIES} params={params} />
        <label>
          <span>User</span>
          <input
            type="search"
            value={params.user ?? ''}
            onChange={(event) => patchPlace({ user: event.currentTarget.value.trim() })}
          />
        </label>
      </form>
      <Stale of={fetched} />
      <Loading of={fetched}>
        <Table rows={rows} />
      </Loading>
      {cursor !== null && (
        <p class="more">
          <button type="button" onClick={() => void more()}>
            Older ones
          </button>
        </p>
      )}
    </section>
  );
}

/** Reads the list again when connections open or close, once for many. */
function useSettled(reload: () => void): void {
  const [turn, setTurn] = useState(0);
  useLiveEvent('connection', () => setTurn((before) => before + 1));
  useEffect(() => {
    if (turn === 0) return;
    const timer = setTimeout(reload, SETTLE_MS);
    return () => clearTimeout(timer);
  }, [turn, reload]);
}

function Choice({
  name,
  label,
  words,
  params,
}: {
  name: string;
  label: string;
  words: Readonly<Record<string, string>>;
  params: Params;
}) {
  return (
    <label>
      <span>{label}</span>
      <select value={params[name] ?? ''} onChange={(event) => patchPlace({ [name]: event.currentTarget.value })}>
        {Object.entries(words).map(([value, text]) => (
          <option key={value} value={value}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

function Table({ rows }: { rows: readonly ConnectionJson[] }) {
  if (rows.length === 0) return <p class="empty">No connection matches.</p>;
  return (
    <table class="rows connections">
      <caption class="visually-hidden">Connections, newest first</caption>
      <thead>
        <tr>
          <th scope="col">Opened</th>
          <th scope="col">State</th>
          <th scope="col">Can prove</th>
          <th scope="col">User</th>
          <th scope="col">Path</th>
          <th scope="col">From</th>
          <th scope="col" class="number">
            Messages
          </th>
          <th scope="col" class="number">
            In flight
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.id} data-row>
            <td class="sent">
              <a class="row-link" href={writePlace(['connections', row.id])}>
                <Time at={row.opened_at} withMs={false} />
                <span class="visually-hidden"> connection {row.id}</span>
              </a>
            </td>
            <td class="status">
              <State of={row} />
            </td>
            <td class="can">
              <Capability of={row.capability} />
            </td>
            <td class="user cut">{userOf(row)}</td>
            <td class="path cut">
              <code>{row.path}</code>
            </td>
            <td class="from">
              <code>{row.remote}</code>
            </td>
            <td class="took number">{count(row.messages)}</td>
            <td class={row.pending > 0 ? 'tries number warn-text' : 'tries number quiet'}>{count(row.pending)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** The user of a connection; a claimed user looks different from a proven one. */
export function userOf({ user, claimed_user: claimed }: ConnectionJson) {
  if (user !== null) return user;
  if (claimed === null) return <span class="quiet">–</span>;
  return (
    <span class="quiet" title="The client says so, without proof; it grants nothing">
      {claimed} (claimed)
    </span>
  );
}

export function State({ of }: { of: ConnectionJson }) {
  if (of.closed_at === null) return <span class="badge open">open</span>;
  const lived = Date.parse(of.closed_at) - Date.parse(of.opened_at);
  return (
    <>
      <span class="badge closed">closed</span>{' '}
      <span class="reason">
        {of.close_code} by the {of.closed_by}, after {duration(lived)}
      </span>
    </>
  );
}
