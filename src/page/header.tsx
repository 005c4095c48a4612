// page: the header: navigation, live state, a search by id, the theme, and the log-out.
import { useState } from 'preact/hooks';
import { send } from './api.ts';
import { clock, count } from './format.ts';
import { useLiveEvent, useLiveStatus, useNow, useShared } from './hooks.ts';
import { applyTheme, storedTheme, THEMES, type Theme } from './theme.ts';
import { type Place, writePlace } from './url.ts';

const TABS = [
  { name: 'Overview', path: [] },
  { name: 'Deliveries', path: ['deliveries'] },
  { name: 'Connections', path: ['connections'] },
] as const;

export function Header({ place, lock }: { place: Place; lock: () => void }) {
  const { about } = useShared();
  const here = place.path[0] ?? '';
  return (
    <header class="bar">
      <a class="brand" href="#/">
        <img src="page/icon.svg" alt="" width="22" height="22" />
        Ackspan
      </a>
      <nav aria-label="Main">
        {TABS.map(({ name, path }) => (
          <a key={name} href={writePlace(path)} aria-current={here === (path[0] ?? '') ? 'page' : undefined}>
            {name}
          </a>
        ))}
      </nav>
      <Search />
      <div class="bar-end">
        <LiveBadge />
        {about.read_only && (
          <span class="tag" title="admin.read_only is set: nothing can be changed here">
            read-only
          </span>
        )}
        <ThemeChoice />
        {about.via === 'session' && (
          <button
            type="button"
            class="plain"
            onClick={() =>
              void send('logout', {})
                .catch(() => undefined)
                .then(lock)
            }
          >
            Log out
          </button>
        )}
      </div>
    </header>
  );
}

/** Finds a delivery by any id: its own, its event's, its run's or its user's. */
function Search() {
  const [text, setText] = useState('');
  const find = (event: Event): void => {
    event.preventDefault();
    const wanted = text.trim();
    if (wanted === '') return;
    location.hash = /^d-[0-9a-z]+(-[0-9a-z]+)?$/.test(wanted)
      ? writePlace(['deliveries', wanted])
      : writePlace(['deliveries'], { q: wanted });
    setText('');
  };
  return (
    <search class="search">
      <form onSubmit={find}>
        <input
          id="search"
          type="search"
          placeholder="Find an id…"
          aria-label="Find a delivery, event, run or tool call by a part of its id"
          value={text}
          maxLength={200}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </form>
    </search>
  );
}

const SAID = { connecting: 'connecting', live: 'live', lost: 'no news', refused: 'not live' } as const;

function LiveBadge() {
  const { state, heardAt } = useLiveStatus();
  const now = useNow();
  const [pending, setPending] = useState<number>();
  useLiveEvent('stats', (line) => setPending(line.pending));
  const since = heardAt === 0 ? '' : ` since ${clock(new Date(heardAt).toISOString(), false)}`;
  const stale = state === 'lost' || state === 'refused';
  return (
    <span
      class={`live-badge ${state}`}
      title={stale ? `Nothing was heard${since}` : 'The sidecar tells what happens as it happens'}
    >
      <span class="dot" aria-hidden="true" />
      {SAID[state]}
      {stale && heardAt > 0 ? ` for ${Math.max(1, Math.round((now - heardAt) / 1000))} s` : ''}
      {state === 'live' && pending !== undefined && <span class="quiet"> · {count(pending)} in flight</span>}
    </span>
  );
}

const THEME_NAMES: Readonly<Record<Theme, string>> = { auto: 'Auto', light: 'Light', dark: 'Dark' };

function ThemeChoice() {
  const [theme, setTheme] = useState(storedTheme);
  return (
    <select
      class="theme"
      aria-label="Colours"
      value={theme}
      onChange={(event) => {
        const chosen = event.currentTarget.value as Theme;
        setTheme(chosen);
        applyTheme(chosen);
      }}
    >
      {THEMES.map((each) => (
        <option key={each} value={each}>
          {THEME_NAMES[each]}
        </option>
      ))}
    </select>
  );
}
