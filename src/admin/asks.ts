// admin: a question over no connection: from another instance that shares the store, which let its reader in.
import type { Ask } from './route.ts';

export function createConnectionlessAsk(params: Readonly<Record<string, string>>, search: string): Ask {
  return {
    ...{ params, search, accept: '', encodings: '', lastEventId: undefined, from: 'another instance' },
    ...{ trusted: true, mount: '', via: 'bearer', remote: '' },
  };
}
