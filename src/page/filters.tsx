// page: the filters of the deliveries; each is a parameter of the address and of the API by the same name.
import { useState } from 'preact/hooks';
import { spoken } from './format.ts';
import { patchPlace } from './hooks.ts';
import { PRIORITY_WORDS, REASON_WORDS, STATUS_WORDS } from './words.ts';

type Params = Readonly<Record<string, string>>;

/** The filters of deliveries that the API knows. */
export const FILTERS = [
  ...['q', 'status', 'reason', 'type', 'priority', 'level', 'user', 'session', 'connection', 'since', 'until'],
] as const;

const SINCE = { '': 'any time', '1m': 'last minute', '10m': 'last 10 minutes', '1h': 'last hour' } as const;

export function Filters({ params }: { params: Params }) {
  return (
    <form class="filters" aria-label="Filters" onSubmit={(event) => event.preventDefault()}>
      <Text name="q" label="Any id" params={params} />
      <StatusChoice chosen={params.status ?? ''} />
      <Choice name="reason" label="Reason" params={params} words={REASON_WORDS} />
      <Choice name="priority" label="Priority" params={params} words={PRIORITY_WORDS} />
      <Choice name="level" label="Evidence" params={params} words={['none', 'received', 'processed']} />
      <Text name="type" label="Type" params={params} />
      <Text name="user" label="User" params={params} />
      <label>
        <span>Sent</span>
        <select value={params.since ?? ''} onChange={(event) => patchPlace({ since: event.currentTarget.value })}>
          {Object.entries(SINCE).map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
          {params.since !== undefined && !(params.since in SINCE) && (
            <option value={params.since}>{params.since}</option>
          )}
        </select>
      </label>
      <Fixed name="session" params={params} />
      <Fixed name="connection" params={params} />
      <Fixed name="until" params={params} />
      {FILTERS.some((name) => params[name] !== undefined) && (
        <button
          type="button"
          class="plain"
          onClick={() => patchPlace(Object.fromEntries(FILTERS.map((name) => [name, undefined])))}
        >
          Clear all
        </button>
      )}
    </form>
  );
}

/** A text filter, which is applied when the reader stops typing or presses Enter. */
function Text({ name, label, params }: { name: string; label: string; params: Params }) {
  const given = params[name] ?? '';
  const [text, setText] = useState(given);
  const [seen, setSeen] = useState(given);
  // Another part of the page, or the browser's Back, changed the filter.
  if (seen !== given) {
    setSeen(given);
    setText(given);
  }
  const commit = (value: string): void => {
    if (value !== given) patchPlace({ [name]: value }, true);
  };
  return (
    <label>
      <span>{label}</span>
      <input
        type="search"
        value={text}
        maxLength={200}
        onInput={(event) => {
          setText(event.currentTarget.value);
          if (event.currentTarget.value === '') commit('');
        }}
        onChange={(event) => commit(event.currentTarget.value.trim())}
        onKeyDown={(event) => event.key === 'Enter' && commit(event.currentTarget.value.trim())}
      />
    </label>
  );
}

function Choice({
  name,
  label,
  params,
  words,
}: {
  name: string;
  label: string;
  params: Params;
  words: readonly string[];
}) {
  const given = params[name] ?? '';
  const known = words.includes(given) || given === '';
  return (
    <label>
      <span>{label}</span>
      <select value={given} onChange={(event) => patchPlace({ [name]: event.currentTarget.value })}>
        <option value="">any</option>
        {words.map((word) => (
          <option key={word} value={word}>
            {spoken(word)}
          </option>
        ))}
        {!known && <option value={given}>{given}</option>}
      </select>
    </label>
  );
}

/** The filter by status: chips, of which several may be chosen. */
function StatusChoice({ chosen }: { chosen: string }) {
  const now = new Set(chosen.split(',').filter((word) => word !== ''));
  const toggle = (word: string): void => {
    const next = new Set(now);
    if (!next.delete(word)) next.add(word);
    patchPlace({ status: STATUS_WORDS.filter((each) => next.has(each)).join(',') });
  };
  return (
    <fieldset class="chips">
      <legend>Status</legend>
      {STATUS_WORDS.map((word) => (
        <button
          key={word}
          type="button"
          class={`chip ${word}`}
          aria-pressed={now.has(word)}
          onClick={() => toggle(word)}
        >
          {word}
        </button>
      ))}
    </fieldset>
  );
}

/** A filter that came with a link and can only be taken off. */
function Fixed({ name, params }: { name: string; params: Params }) {
  const value = params[name];
  if (value === undefined) return null;
  return (
    <span class="fixed">
      {name} <code>{value}</code>
      <button
        type="button"
        aria-label={`Take off the filter ${name}`}
        onClick={() => patchPlace({ [name]: undefined })}
      >
        ×
      </button>
    </span>
  );
}
