// demo: where a client application finds the id of an event, whatever shape its backend chose.

interface Shape {
  readonly type?: string;
  readonly event_id?: string;
  readonly data?: { readonly event_id?: string };
  readonly payload?: { readonly result?: { readonly event_id?: string } };
  readonly results?: { readonly event_id?: string };
}

/**
 * Type and id of an event of the demo's backend; undefined when it carries no id. Throws for text
 * that is not JSON.
 */
export function eventIdOf(text: string): { readonly type: string; readonly id: string } | undefined {
  const { type, event_id, data, payload, results } = JSON.parse(text) as Shape;
  const id = event_id ?? data?.event_id ?? payload?.result?.event_id ?? results?.event_id;
  return type === undefined || id === undefined ? undefined : { type, id };
}
