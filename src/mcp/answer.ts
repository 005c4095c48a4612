// mcp: how a tool answers: text, or a failure in words that an assistant can act on.
import { AdminFailure } from '../admin-client/failure.ts';
import { printable } from '../admin-client/printable.ts';
import { hints } from '../admin-client/reach.ts';
import type { Place } from '../admin-client/request.ts';

/** The result of a tool call (MCP, `CallToolResult`). */
export interface Answer {
  readonly [more: string]: unknown;
  readonly content: { type: 'text'; text: string }[];
  readonly isError?: boolean;
}

/** Longest answer, characters. The limit is low because an assistant reads all of an answer. */
const TEXT_LIMIT = 40_000;

export function said(text: string): Answer {
  return {
    content: [
      { type: 'text', text: text.length > TEXT_LIMIT ? `${text.slice(0, TEXT_LIMIT)}\n… cut; ask for less.` : text },
    ],
  };
}

/**
 * The answer that `make` builds, or the failure of the admin server in words. Other errors are
 * thrown.
 */
export async function answered(place: Place, make: () => Promise<string>): Promise<Answer> {
  try {
    return said(await make());
  } catch (error) {
    if (!(error instanceof AdminFailure)) throw error;
    return { ...said([printable(error.message), ...hints(error, place)].join('\n')), isError: true };
  }
}
