// page: the one live stream of this tab: open while the tab is visible, resumed after a break, honest about silence.
import type { StreamJson } from '../admin/shapes.ts';
import { address, type Search } from './api.ts';

/**
 * State of the stream. In `lost` nothing has come for a while, and the page shows the state as of
 * `heardAt`.
 */
export type LiveState = 'connecting' | 'live' | 'lost' | 'refused';

export interface LiveStatus {
  readonly state: LiveState;
  /** Time of the latest event, ms since the epoch; 0 = none has come. */
  readonly heardAt: number;
}

export type LiveEvent = keyof StreamJson;
type Listener = (data: never) => void;

/**
 * Longest time between two events that is no silence, ms. A line of statistics comes every second.
 */
const SILENCE_MS = 3_500;
/** Wait between a refusal and the next try, ms. */
const AGAIN_MS = 5_000;

export interface Live {
  readonly status: LiveStatus;
  /**
   * Sets the events that the stream is to tell from now on. Setting the same again changes nothing.
   */
  want(search: Search): void;
  on<E extends LiveEvent>(event: E, listener: (data: StreamJson[E]) => void): () => void;
  /** Adds a listener to changes of the status; the answer takes it off. */
  watch(listener: () => void): () => void;
  stop(): void;
}

/**
 * Opens the stream. `refused` is called when the server refuses it, perhaps because the log-in is
 * over.
 */
export function createLive(refused: () => void): Live {
  const listeners = new Map<LiveEvent, Set<Listener>>();
  const watchers = new Set<() => void>();
  let wish: Search = { events: 'stats,connection' };
  let source: EventSource | undefined;
  let lastId: string | undefined;
  let status: LiveStatus = { state: 'connecting', heardAt: 0 };
  let again: number | undefined;
  let silence: number | undefined;

  const tell = (state: LiveState, heardAt = status.heardAt): void => {
    const changed = state !== status.state;
    status = { state, heardAt };
    if (changed) for (const watcher of watchers) watcher();
  };
  const heard = (): void => {
    tell('live', Date.now());
    clearTimeout(silence);
    silence = window.setTimeout(() => tell('lost'), SILENCE_MS);
  };
  const close = (): void => {
    clearTimeout(again);
    clearTimeout(silence);
    source?.close();
    source = undefined;
  };
  const open = (): void => {
    close();
    if (document.hidden) return;
    source = new EventSource(address('stream', lastId === undefined ? wish : { ...wish, last_event_id: lastId }));
    for (const event of ['step', 'connection', 'stats', 'dropped'] as const)
      source.addEventListener(event, (message: MessageEvent<string>) => {
        if (message.lastEventId !== '') lastId = message.lastEventId;
        heard();
        const data = JSON.parse(message.data) as never;
        for (const listener of listeners.get(event) ?? []) listener(data);
      });
    source.onerror = () => {
      if (source?.readyState !== EventSource.CLOSED) {
        tell(status.heardAt === 0 ? 'connecting' : 'lost');
        return;
      }
      // The server answered with a problem. An event source does not try again by itself after
      // that.
      tell('refused');
      refused();
      again = window.setTimeout(open, AGAIN_MS);
    };
  };
  // A hidden tab needs no news, and browsers allow six connections to a host: the tenth tab must
  // still load.
  const onVisible = (): void => {
    if (!document.hidden) {
      open();
      return;
    }
    close();
    tell('connecting');
  };
  document.addEventListener('visibilitychange', onVisible);
  open();

  return {
    get status() {
      return status;
    },
    want(search) {
      if (source !== undefined && address('stream', search) === address('stream', wish)) return;
      if (address('stream', search) !== address('stream', wish)) lastId = undefined;
      wish = search;
      open();
    },
    on(event, listener) {
      const set = listeners.get(event) ?? new Set<Listener>();
      listeners.set(event, set.add(listener as Listener));
      return () => set.delete(listener as Listener);
    },
    watch(listener) {
      watchers.add(listener);
      return () => watchers.delete(listener);
    },
    stop() {
      close();
      document.removeEventListener('visibilitychange', onVisible);
    },
  };
}
