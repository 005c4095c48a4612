// page: the one live stream of this tab: open while somebody looks, read on after a break, and honest about silence.
import type { StreamJson } from '../admin/shapes.ts';
import { address, type Search } from './api.ts';

/** `lost`: nothing was heard for a while; what is shown is as of `heardAt`. */
export type LiveState = 'connecting' | 'live' | 'lost' | 'refused';

export interface LiveStatus {
  readonly state: LiveState;
  /** When something was heard last, ms since the epoch; 0 = never. */
  readonly heardAt: number;
}

export type LiveEvent = keyof StreamJson;
type Listener = (data: never) => void;

/** A line of statistics comes every second: this long without one is silence, ms. */
const SILENCE_MS = 3_500;
/** How long after a refusal it is tried again, ms. */
const AGAIN_MS = 5_000;

export interface Live {
  readonly status: LiveStatus;
  /** What is to be told from now on; the same wish again changes nothing. */
  want(search: Search): void;
  on<E extends LiveEvent>(event: E, listener: (data: StreamJson[E]) => void): () => void;
  /** Told of every change of the status. */
  watch(listener: () => void): () => void;
  stop(): void;
}

/** `refused` is called when the stream cannot be had: the log-in may be over. */
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
      // Answered with a problem: an event source does not try again by itself.
      tell('refused');
      refused();
      again = window.setTimeout(open, AGAIN_MS);
    };
  };
  // A hidden tab needs no news, and browsers allow six connections to a host: the tenth tab must still load.
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
