// admin: GET /metrics: one scrape, in the format that the scraper accepts. The query is ignored.
import type { AdminDeps } from './ports.ts';
import type { Route } from './route.ts';

/** The metrics; the format is the provider's choice by `Accept`. */
export function scrapeRoute(deps: AdminDeps): Route {
  return {
    path: '/metrics',
    open: false,
    async answer({ accept }) {
      const { contentType, body } = await deps.metrics(accept);
      return { kind: 'answer', status: 200, contentType, body, headers: { Vary: 'Accept' } };
    },
  };
}
