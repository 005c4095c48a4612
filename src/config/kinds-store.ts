// config: where what outlives the process is kept.
import { isAbsolute, normalize } from 'node:path';
import { type Kind, scalar } from './kinds.ts';

/** `memory`: nothing outlives the process. `file`: a directory of this machine. */
export type StoreAddress = { readonly kind: 'memory' } | { readonly kind: 'file'; readonly directory: string };

/** A relative directory would depend on where the process was started. */
export const storeAddress: Kind<StoreAddress> = scalar(
  '`memory`, or `file:` with an absolute directory such as file:/var/lib/ackspan',
  (given) => {
    if (given === 'memory') return { kind: 'memory' };
    const path = typeof given === 'string' ? /^file:(?:\/\/)?(\/[^\0]*)$/.exec(given)?.[1] : undefined;
    if (path === undefined || !isAbsolute(path)) return undefined;
    const directory = normalize(path).replace(/\/+$/, '');
    return directory === '' ? undefined : { kind: 'file', directory };
  },
);
