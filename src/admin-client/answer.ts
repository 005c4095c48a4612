// admin-client: reads the JSON of an answer: texts that commands show unquoted hold nothing that acts on a terminal.
import { printable } from './printable.ts';

/**
 * Members whose texts clients, backends and operators write. The code that shows such a text makes
 * it printable. The text stays as it is here, because some are asked for again. Every other text is
 * a word, an id or a time of the sidecar's own, and is shown as it is.
 */
const WRITTEN: ReadonlySet<string> = new Set([
  ...['type', 'event_id', 'user', 'claimed_user', 'run', 'tool', 'tool_call', 'session', 'key', 'id'],
  ...['path', 'remote', 'host', 'protocol', 'subprotocol', 'error_text', 'payload', 'message', 'service', 'reasons'],
]);
const OWN_WORD = /^[\x20-\x7e]*$/;

/**
 * The object that `text` holds; undefined = it holds none, or one nested too deep to be read. In
 * the sidecar's own words, and in the names of members, each character that a terminal may act on
 * stands as its code point: a hostile server can lie, and no more.
 */
export function readAnswer(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text, visible);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    // No JSON, or a nesting that no sidecar writes: the caller reports that this is no admin
    // server.
    return undefined;
  }
}

function visible(name: string, value: unknown): unknown {
  if (typeof value === 'string') return OWN_WORD.test(value) || WRITTEN.has(name) ? value : printable(value);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const names = Object.keys(value);
  if (names.every((each) => OWN_WORD.test(each))) return value;
  return Object.fromEntries(Object.entries(value).map(([each, held]) => [printable(each), held]));
}
