// page: what components share: the place, answers that are read again, the live stream, and messages to the reader.
import { createContext } from 'preact';
import { useCallback, useContext, useEffect, useRef, useState } from 'preact/hooks';
import type { AboutJson, StreamJson } from '../admin/shapes.ts';
import { ApiError, read, type Search } from './api.ts';
import type { Live, LiveEvent, LiveStatus } from './live.ts';
import { type Place, readPlace, writePlace } from './url.ts';

/** The parts that every component may need. */
export interface Shared {
  readonly about: AboutJson;
  readonly live: Live;
  /** Tells the reader something. Screen readers speak it. */
  readonly say: (text: string) => void;
  /** Shows the log-in, because the server does not know this reader any more. */
  readonly loggedOut: () => void;
}

export const SharedContext = createContext<Shared | undefined>(undefined);

export function useShared(): Shared {
  const shared = useContext(SharedContext);
  if (shared === undefined) throw new Error('used outside of the page');
  return shared;
}

/** The place that the address names, kept up to date. */
export function usePlace(): Place {
  const [place, setPlace] = useState(() => readPlace(location.hash));
  useEffect(() => {
    const moved = (): void => setPlace(readPlace(location.hash));
    addEventListener('hashchange', moved);
    return () => removeEventListener('hashchange', moved);
  }, []);
  return place;
}

/**
 * Changes parameters of the place. `typing` replaces the entry in the history, so that a letter is
 * not a step back.
 */
export function patchPlace(params: Readonly<Record<string, string | undefined>>, typing = false): void {
  const place = readPlace(location.hash);
  const hash = writePlace(place.path, { ...place.params, ...params });
  if (!typing) {
    location.hash = hash;
    return;
  }
  history.replaceState(null, '', hash);
  dispatchEvent(new HashChangeEvent('hashchange'));
}

/**
 * An answer of the API. `data` stays while a newer answer is read, and `at` is when it came, ms
 * since the epoch.
 */
export interface Fetched<T> {
  readonly data: T | undefined;
  readonly error: ApiError | undefined;
  readonly at: number;
  /** Reads again: at once, or when the read that is under way has ended. */
  readonly reload: () => void;
}

/**
 * Reads a resource, and again every `every` ms while the page is visible (0 = once). `path`
 * undefined = nothing to read.
 */
export function useFetched<T>(path: string | undefined, search: Search = {}, every = 0): Fetched<T> {
  const { loggedOut } = useShared();
  const key = `${path}?${JSON.stringify(search)}`;
  const [got, setGot] = useState<{ key: string; data?: T | undefined; error?: ApiError | undefined; at: number }>({
    key,
    at: 0,
  });
  const [turn, setTurn] = useState(0);
  const work = useRef({ reading: false, again: false });
  const reload = useCallback(() => {
    if (work.current.reading) work.current.again = true;
    else setTurn((before) => before + 1);
  }, []);
  // `key` stands for path and search. `turn` grows when the answer is to be read again.
  useEffect(() => {
    if (path === undefined) return;
    const stop = new AbortController();
    let timer: number | undefined;
    const load = async (): Promise<void> => {
      work.current = { reading: true, again: false };
      try {
        const data = await read<T>(path, search, stop.signal);
        setGot({ key, data, at: Date.now() });
      } catch (error) {
        if (!(error instanceof ApiError) || stop.signal.aborted) return;
        if (error.status === 401) loggedOut();
        setGot((before) => ({ ...(before.key === key ? before : { key, at: 0 }), error }));
      }
      if (stop.signal.aborted) return;
      work.current.reading = false;
      if (work.current.again) setTurn((before) => before + 1);
      else if (every > 0) timer = window.setTimeout(() => void visible().then(load), every);
    };
    void load();
    return () => {
      stop.abort();
      clearTimeout(timer);
    };
  }, [key, every, turn]);
  const current = got.key === key;
  return {
    data: current ? got.data : undefined,
    error: current ? got.error : undefined,
    at: current ? got.at : 0,
    reload,
  };
}

/** Resolves when the page is visible. */
function visible(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener('visibilitychange', () => resolve(), { once: true }));
}

/** Listens to the stream while the component is there. */
export function useLiveEvent<E extends LiveEvent>(event: E, listener: (data: StreamJson[E]) => void): void {
  const { live } = useShared();
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => live.on(event, (data) => latest.current(data)), [live, event]);
}

export function useLiveStatus(): LiveStatus {
  const { live } = useShared();
  const [status, setStatus] = useState(live.status);
  useEffect(() => live.watch(() => setStatus(live.status)), [live]);
  return status;
}

/** The current time, ms since the epoch, renewed every `every` ms. */
export function useNow(every = 1000): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), every);
    return () => clearInterval(timer);
  }, [every]);
  return now;
}

/** Sets the title of the document. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = `${title} · Ackspan`;
  }, [title]);
}
