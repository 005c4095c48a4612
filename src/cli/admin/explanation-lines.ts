// cli: an explanation as lines for the terminal: the ending, its evidence, what it usually means, what to do.
import type { Explanation } from '../../admin-client/explain.ts';
import type { Paint, Tone } from '../terminal/paint.ts';
import { wrapped } from '../terminal/width.ts';

/** Width up to which lines are read with ease, columns. */
const READABLE = 100;

/** The lines of an explanation. `tone` is the colour of the outcome. */
export function explanationLines(
  { id, title, means, todo, evidence }: Explanation,
  { width, paint }: { readonly width: number | undefined; readonly paint: Paint },
  tone: Tone | undefined,
): string[] {
  const columns = width === undefined ? undefined : Math.min(width, READABLE);
  const item = (mark: string, text: string): string[] => {
    const front = `  ${mark} `;
    const room = columns === undefined ? undefined : columns - front.length;
    return wrapped(text, room).map((line, i) => (i === 0 ? front : ' '.repeat(front.length)) + line);
  };
  const heading = (text: string): string => paint(text, 'strong');
  return [
    `${heading('Cause:')} ${tone === undefined ? title : paint(title, tone)} ${paint(`[${id ?? 'unknown'}]`, 'faint')}`,
    ...(evidence.length === 0 ? [] : ['', heading('Evidence'), ...evidence.flatMap((each) => item('·', each))]),
    '',
    heading('What this usually means'),
    ...wrapped(means, columns === undefined ? undefined : columns - 2).map((line) => `  ${line}`),
    ...(todo.length === 0 ? [] : ['', heading('What to do'), ...todo.flatMap((each, i) => item(`${i + 1}.`, each))]),
  ];
}
