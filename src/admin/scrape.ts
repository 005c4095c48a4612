// admin: GET /metrics: one scrape, in the format and coding that the scraper accepts. The query is ignored.
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { AdminDeps } from './ports.ts';
import type { Route } from './route.ts';

const compress = promisify(gzip);
/** Below this a coding saves nothing, bytes. */
const WORTH_IT = 1024;
/** Metrics repeat themselves: the fastest level saves nine tenths already. */
const LEVEL = 1;

/** The metrics; the format is the provider's choice by `Accept`. */
export function scrapeRoute(deps: AdminDeps): Route {
  return {
    path: '/metrics',
    open: false,
    async answer({ accept, encodings, from }) {
      const sent = deps.scraped?.(from);
      const { contentType, body } = await deps.metrics(accept);
      const zipped = body.length > WORTH_IT && takesGzip(encodings);
      return {
        kind: 'answer',
        status: 200,
        contentType,
        body: zipped ? await compress(body, { level: LEVEL }) : body,
        headers: { Vary: 'Accept, Accept-Encoding', ...(zipped ? { 'Content-Encoding': 'gzip' } : {}) },
        ...(sent === undefined ? {} : { sent }),
      };
    },
  };
}

/**
 * Whether `Accept-Encoding` allows gzip: by name or by `*`, and not with a weight of zero (RFC 9110
 * §12.5.3).
 */
function takesGzip(header: string): boolean {
  const weights = new Map(
    header.split(',').map((each) => {
      const [coding = '', ...parameters] = each.split(';').map((part) => part.trim().toLowerCase());
      const weight = parameters.find((part) => part.startsWith('q='))?.slice(2);
      return [coding, weight === undefined ? 1 : Number(weight)] as const;
    }),
  );
  return (weights.get('gzip') ?? weights.get('*') ?? 0) > 0;
}
