// page: a connection's messages in columns, so that a hundred thousand of them are filtered between two frames.
import type { MessageJson } from '../admin/shapes.ts';

/** A filter of messages. A member that is left out matches everything. */
export interface MessageWish {
  readonly direction?: string | undefined;
  readonly kind?: string | undefined;
  readonly status?: string | undefined;
  /** Part of the type, of the delivery's id or of the payload, in any case. */
  readonly text?: string | undefined;
}

export interface MessageColumns {
  readonly size: number;
  /** The message at a position, newest first. */
  at(position: number): MessageJson;
  /** Positions of the messages that match, newest first. */
  filter(wish: MessageWish): Uint32Array;
  /** Every type, the most frequent first. */
  types(): readonly string[];
}

/** Takes `messages`, newest first, into columns. */
export function createMessageColumns(messages: readonly MessageJson[]): MessageColumns {
  const size = messages.length;
  const words: string[] = [];
  const numbers = new Map<string, number>();
  /** Types are few, so that each is kept and searched once. */
  const number = (word: string): number => {
    const known = numbers.get(word);
    if (known !== undefined) return known;
    numbers.set(word, words.length);
    return words.push(word) - 1;
  };
  const direction = Uint32Array.from(messages, (each) => number(each.direction));
  const kind = Uint32Array.from(messages, (each) => number(each.kind));
  const status = Uint32Array.from(messages, (each) => number(each.status ?? ''));
  const type = Uint32Array.from(messages, (each) => number(each.type ?? ''));
  const never = -1;
  const wanted = (word: string | undefined): number =>
    word === undefined ? never : (numbers.get(word) ?? words.length);

  return {
    size,
    at: (position) => messages[position] as MessageJson,
    filter(wish) {
      const found = new Uint32Array(size);
      const [d, k, s] = [wanted(wish.direction), wanted(wish.kind), wanted(wish.status)];
      const text = wish.text?.toLowerCase() ?? '';
      const hit = words.map((word) => text !== '' && word.toLowerCase().includes(text));
      let count = 0;
      for (let i = 0; i < size; i++) {
        if (d !== never && direction[i] !== d) continue;
        if (k !== never && kind[i] !== k) continue;
        if (s !== never && status[i] !== s) continue;
        if (text !== '' && !hit[type[i] as number] && !mentions(messages[i] as MessageJson, text)) continue;
        found[count++] = i;
      }
      return found.subarray(0, count);
    },
    types() {
      const counts = new Map<number, number>();
      for (const each of type) counts.set(each, (counts.get(each) ?? 0) + 1);
      const named = [...counts].filter(([each]) => words[each] !== '');
      return named.sort(([, a], [, b]) => b - a).map(([each]) => words[each] as string);
    },
  };
}

function mentions({ delivery, payload }: MessageJson, text: string): boolean {
  return delivery?.includes(text) === true || payload?.toLowerCase().includes(text) === true;
}
