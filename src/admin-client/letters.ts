// admin-client: an export of dead letters, line by line; an export that breaks off is an error, never a short list.
import { AdminFailure, failureOfFetch } from './failure.ts';
import { headersFor, type Place, refusalOf, stranger } from './request.ts';

/**
 * Which dead letters are wanted, as the query of the admin API has it. Lists are words separated by
 * commas.
 */
export interface LetterFilter {
  readonly user?: string | undefined;
  readonly claimed_user?: string | undefined;
  readonly session?: string | undefined;
  readonly event_id?: string | undefined;
  readonly type?: string | undefined;
  readonly priority?: string | undefined;
  readonly reason?: string | undefined;
  readonly since?: string | undefined;
  readonly until?: string | undefined;
}

/** Most characters of one line: a letter with the longest message. */
const LINE_LIMIT = 64 * 1024 * 1024;

/** The lines of `path`. Rejects with an `AdminFailure`, also when nothing comes for `silenceMs`. */
export async function* exportLines(place: Place, path: string, silenceMs: number): AsyncGenerator<string, void> {
  const dead = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const watch = (): void => {
    clearTimeout(timer);
    const text = `${place.base} said nothing for ${silenceMs / 1000} s`;
    timer = setTimeout(() => dead.abort(new AdminFailure('slow', text)), silenceMs);
  };
  watch();
  try {
    const response = await fetch(place.base + path, {
      headers: headersFor(place, { accept: 'application/x-ndjson' }),
      redirect: 'manual',
      signal: dead.signal,
    });
    const type = response.headers.get('content-type') ?? '';
    if (!response.ok) throw await refusalOf(response);
    if (!type.startsWith('application/x-ndjson') || response.body === null) throw stranger(place);
    const decoder = new TextDecoder();
    let rest = '';
    for await (const bytes of response.body) {
      // Only what is new is looked through: a long line that drips in must not be read again and
      // again.
      const [first = '', ...lines] = decoder.decode(bytes, { stream: true }).split('\n');
      rest += first;
      if (lines.length > 0) {
        lines.unshift(rest);
        rest = lines.pop() as string;
      }
      if (rest.length > LINE_LIMIT) throw stranger(place);
      // A consumer that takes its time is no silence of the sidecar.
      clearTimeout(timer);
      yield* lines;
      watch();
    }
    if (rest !== '') throw new AdminFailure('unreachable', `${place.base} broke the export off`);
  } catch (error) {
    throw failureOfFetch(error, place.base, silenceMs);
  } finally {
    clearTimeout(timer);
    dead.abort();
  }
}
