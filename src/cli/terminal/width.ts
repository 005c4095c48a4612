// cli: the number of columns that a printable text takes, and texts cut and filled to fit.
import stringWidth from 'string-width';

/** Columns that a terminal gives to `text`, which has no colours in it. */
export function widthOf(text: string): number {
  return stringWidth(text, { countAnsiEscapeCodes: true });
}

/** The text cut to `columns`, with `…` in place of what is missing. */
export function fitted(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text;
  if (columns <= 0) return '';
  let cut = '';
  let width = 0;
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    width += widthOf(segment);
    if (width > columns - 1) break;
    cut += segment;
  }
  return `${cut}…`;
}

/** The text filled up with blanks to `columns`; with `end` the blanks stand in front. */
export function padded(text: string, columns: number, end = false): string {
  const blanks = ' '.repeat(Math.max(0, columns - widthOf(text)));
  return end ? blanks + text : text + blanks;
}

/**
 * The text broken between words into lines of at most `columns`. A longer word has a line of its
 * own.
 */
export function wrapped(text: string, columns: number | undefined): string[] {
  if (columns === undefined) return [text];
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
