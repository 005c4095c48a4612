// page: the types and users that lose most or wait longest, among open deliveries and the history.
import { useState } from 'preact/hooks';
import type { TopJson } from '../admin/stats-shapes.ts';
import { count, duration, percent } from './format.ts';
import { useFetched } from './hooks.ts';
import { Loading, Stale } from './parts.tsx';
import { writePlace } from './url.ts';

const SORTS = { lost: 'most lost', slowest: 'slowest', tracked: 'most sent', pending: 'most in flight' } as const;
type Sort = keyof typeof SORTS;

/** Rows of a list, and the time between two reads of it, ms. */
const ROWS = 6;
const EVERY_MS = 10_000;

function Top({ by, title, nobody }: { by: TopJson['by']; title: string; nobody: string }) {
  const [sort, setSort] = useState<Sort>('lost');
  const top = useFetched<TopJson>('top', { by, sort, limit: ROWS }, EVERY_MS);
  const id = `top-${by}`;
  return (
    <section class="card" aria-labelledby={id}>
      <div class="card-head">
        <h2 id={id}>{title}</h2>
        <select
          aria-label={`${title}: order`}
          value={sort}
          onChange={(event) => setSort(event.currentTarget.value as Sort)}
        >
          {(Object.keys(SORTS) as Sort[]).map((each) => (
            <option key={each} value={each}>
              {SORTS[each]}
            </option>
          ))}
        </select>
      </div>
      <Stale of={top} />
      <Loading of={top}>{top.data !== undefined && <Rows top={top.data} by={by} nobody={nobody} />}</Loading>
    </section>
  );
}

function Rows({ top, by, nobody }: { top: TopJson; by: TopJson['by']; nobody: string }) {
  if (top.rows.length === 0) return <p class="quiet">Nothing has been sent yet.</p>;
  return (
    <>
      <table class="plain-table">
        <thead>
          <tr>
            <th scope="col">{by === 'user' ? 'User' : 'Type'}</th>
            <th scope="col" class="number">
              Lost
            </th>
            <th scope="col" class="number">
              Rate
            </th>
            <th scope="col" class="number lesser">
              p95
            </th>
            <th scope="col" class="number lesser">
              In flight
            </th>
          </tr>
        </thead>
        <tbody>
          {top.rows.map((row) => (
            <tr key={row.key}>
              <th scope="row" class="cut" title={row.key ?? undefined}>
                {row.key === null ? (
                  <span class="quiet">{nobody}</span>
                ) : (
                  <a href={writePlace(['deliveries'], { [by]: row.key })}>{row.key}</a>
                )}
              </th>
              <td class={row.lost > 0 ? 'number bad' : 'number'}>{count(row.lost)}</td>
              <td class="number">{percent(row.rate, 1)}</td>
              <td class="number lesser">{duration(row.p95_ms)}</td>
              <td class="number lesser">{count(row.pending)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="quiet note">Out of the latest {count(top.looked_at)} deliveries.</p>
    </>
  );
}

export function TopUsers() {
  return <Top by="user" title="Users" nobody="no user proven" />;
}

export function TopTypes() {
  return <Top by="type" title="Event types" nobody="–" />;
}
