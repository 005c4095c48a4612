// page: what a view wants to hear of the live stream while it is there.
import { useEffect } from 'preact/hooks';
import type { Search } from './api.ts';
import { useShared } from './hooks.ts';

/** What is always told: a line of statistics a second, and connections. */
const ALWAYS: Search = { events: 'stats,connection' };

/** Asks for it, and for no more than is always told when the view goes. Undefined = not known yet. */
export function useFollow(wish: Search | undefined): void {
  const { live } = useShared();
  const key = wish === undefined ? undefined : JSON.stringify(wish);
  useEffect(() => {
    if (key === undefined) return;
    live.want(JSON.parse(key) as Search);
    return () => live.want(ALWAYS);
  }, [live, key]);
}
