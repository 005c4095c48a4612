// page: the address of a trace: the operator's template with the trace id, whole or as its lower half in decimal.

/**
 * 32 hex digits, as W3C Trace Context writes them. Whatever else a file from elsewhere calls a
 * trace id makes no link.
 */
const TRACE_ID = /^[0-9a-f]{32}$/;

/**
 * `{trace_id}` becomes the id in hex, `{trace_id_low}` its low 64 bits in decimal, which is how
 * Datadog's older libraries write ids. Undefined where there is no template, no id, or what would
 * not open as a page.
 */
export function traceLink(template: string | null, id: string): string | undefined {
  if (template === null || !/^https?:\/\//.test(template) || !TRACE_ID.test(id)) return undefined;
  const low = BigInt(`0x${id.slice(16)}`).toString();
  return template.replaceAll('{trace_id}', id).replaceAll('{trace_id_low}', low);
}
