// page: the steps of the live stream that a view asks for while it is shown.
import { useEffect } from 'preact/hooks';
import type { Search } from './api.ts';
import { useShared } from './hooks.ts';

/** The events that every view gets: a line of statistics a second, and connections. */
const ALWAYS: Search = { events: 'stats,connection' };

/**
 * Asks for the steps of `wish` while the component is shown; undefined = the wish is not known yet.
 */
export function useFollow(wish: Search | undefined): void {
  const { live } = useShared();
  const key = wish === undefined ? undefined : JSON.stringify(wish);
  useEffect(() => {
    if (key === undefined) return;
    live.want(JSON.parse(key) as Search);
    return () => live.want(ALWAYS);
  }, [live, key]);
}
