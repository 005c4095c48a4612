// page: the frame: header, navigation, live state, messages to the reader, and the view of the current place.
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { AboutJson } from '../admin/shapes.ts';
import { ApiError, read } from './api.ts';
import { DropTarget } from './drop.tsx';
import { Header } from './header.tsx';
import { SharedContext, usePlace } from './hooks.ts';
import { Keyboard } from './keyboard.tsx';
import { createLive } from './live.ts';
import { Login } from './login.tsx';
import { View } from './view.tsx';

type Door = { about: AboutJson } | { error: ApiError } | 'login' | 'opening';

/** Asks which server this is, until one answers. */
function useDoor() {
  const [door, setDoor] = useState<Door>('opening');
  const ask = useCallback(async (): Promise<void> => {
    try {
      setDoor({ about: await read<AboutJson>('about') });
    } catch (error) {
      if (error instanceof ApiError) setDoor(error.status === 401 ? 'login' : { error });
    }
  }, []);
  useEffect(() => {
    void ask();
  }, [ask]);
  useEffect(() => {
    if (typeof door === 'string' || !('error' in door)) return;
    const timer = setTimeout(() => void ask(), 2000);
    return () => clearTimeout(timer);
  }, [door, ask]);
  /** Reads again what the page knows of the sidecar. What cannot be read stays as it is. */
  const renew = useCallback(async () => {
    try {
      setDoor({ about: await read<AboutJson>('about') });
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) setDoor('login');
    }
  }, []);
  return { door, ask, renew, lock: useCallback(() => setDoor('login'), []) };
}

export function App() {
  const { door, ask, renew, lock } = useDoor();
  if (door === 'opening') return <Frame text="Opening…" />;
  if (door === 'login') return <Login entered={() => void ask()} />;
  if ('error' in door) return <Frame text={`${door.error.message} Trying again…`} />;
  return <Page about={door.about} lock={lock} renew={renew} />;
}

function Frame({ text }: { text: string }) {
  return (
    <>
      <header class="bar">
        <span class="brand">Ackspan</span>
      </header>
      <main class="content">
        <p class="quiet" role="status">
          {text}
        </p>
      </main>
    </>
  );
}

function Page({ about, lock, renew }: { about: AboutJson; lock: () => void; renew: () => Promise<void> }) {
  const place = usePlace();
  const [said, setSaid] = useState('');
  const main = useRef<HTMLElement>(null);
  const live = useMemo(
    () =>
      createLive(() => {
        read<AboutJson>('about').catch((error: unknown) => {
          if (error instanceof ApiError && error.status === 401) lock();
        });
      }),
    [lock],
  );
  useEffect(() => () => live.stop(), [live]);
  // A sidecar that was away may have come back with another objective, or read-only.
  useEffect(() => {
    let lost = false;
    return live.watch(() => {
      const { state } = live.status;
      if (state === 'live' && lost) void renew();
      lost = state === 'lost' || state === 'refused' || (lost && state !== 'live');
    });
  }, [live, renew]);
  const say = useCallback((text: string) => {
    setSaid('');
    requestAnimationFrame(() => setSaid(text));
  }, []);
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => setSaid(''), 6000);
    return () => clearTimeout(timer);
  }, [said]);
  const shared = useMemo(() => ({ about, live, say, loggedOut: lock }), [about, live, say, lock]);
  const where = place.path.join('/');
  const first = useRef(true);
  // The focus moves to the heading of a new place.
  useEffect(() => {
    if (!first.current) main.current?.focus();
    first.current = false;
    scrollTo(0, 0);
  }, [where]);
  return (
    <SharedContext.Provider value={shared}>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <Header place={place} lock={lock} />
      <main class="content" id="main" tabIndex={-1} ref={main}>
        <View place={place} key={where} />
      </main>
      <DropTarget />
      <Keyboard />
      <div class="toast" role="status" aria-live="polite" data-shown={said !== ''}>
        {said}
      </div>
    </SharedContext.Provider>
  );
}
