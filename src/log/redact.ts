// log: keeps credentials and invisible characters out of log lines: by the name of a field, and by the form of a text.
import pino from 'pino';

const SECRET_FIELD =
  /token|secret|password|passwd|authorization|cookie|api[-_]?key|hash[-_]?key|sec-websocket-protocol/i;
const REDACTED = '[redacted]';
const MAX_DEPTH = 8;

const PATTERNS: readonly (readonly [RegExp, string])[] = [
  // Values in a URL's query: session tokens travel there, since browsers cannot set headers on a
  // WebSocket.
  [/([?&][\w.~%[\]-]+=)[^&\s"'#<>\\]+/g, `$1${REDACTED}`],
  [/(:\/\/)[^/\s"'@\\]+@/g, `$1${REDACTED}@`],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]+/gi, `$1 ${REDACTED}`],
  // A JSON Web Token begins with `{"` in base64url, wherever it stands.
  [/\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g, REDACTED],
];

/**
 * The text without URL query values, URL credentials, `Authorization` values and JSON Web Tokens.
 */
export function redactText(text: string): string {
  let safe = text;
  for (const [pattern, replacement] of PATTERNS) safe = safe.replace(pattern, replacement);
  return safe;
}

/**
 * A copy of the object in which fields with telling names (`token`, `cookie`, …) hold `[redacted]`.
 * Text is left to `redactText`.
 */
export function redactFields(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth >= MAX_DEPTH) return '[deep]';
  if (value instanceof Error) return redactFields(pino.stdSerializers.err(value), depth + 1);
  if (Array.isArray(value)) return value.map((item) => redactFields(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => {
      const hide =
        SECRET_FIELD.test(name) && (typeof field === 'string' || typeof field === 'object') && field !== null;
      return [name, hide ? REDACTED : redactFields(field, depth + 1)];
    }),
  );
}

/**
 * Characters that a terminal may act on or not show: C1 controls and DEL, format characters (marks
 * that turn text round, zero-width ones, tags), separators of lines, private use, and code points
 * that Unicode has not assigned. C0 controls are escaped in JSON anyway, and end a line.
 */
const ACTING = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}\p{Cn}]/gu;

/**
 * A line of JSON that means the same to a program, and does nothing to the terminal that shows it.
 */
export function visibleJson(line: string): string {
  return line.replace(ACTING, (found) =>
    Array.from({ length: found.length }, (_, i) => `\\u${found.charCodeAt(i).toString(16).padStart(4, '0')}`).join(''),
  );
}
