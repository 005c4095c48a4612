// cli: a page of Markdown with its prose in lines of at most 100 columns; tables and code stay as they are.
import { wrapped } from './terminal/width.ts';

const COLUMNS = 100;
/** Stands for a blank that must not be broken: one inside a code span or a link. */
const GLUE = '\u00a0';

/** The mark of a list item, as `- ` or `1. `. */
const MARK = /^(?:[-*]|\d+\.) /;

/** The page with every paragraph and list item in lines of at most 100 columns. */
export function inLines(page: string): string {
  const lines: string[] = [];
  let prose: string[] = [];
  let fenced = false;
  const flush = (): void => {
    lines.push(...paragraph(prose));
    prose = [];
  };
  for (const line of page.split('\n')) {
    const fence = line.startsWith('```');
    if (fence || fenced || /^$|^[|#<]/.test(line)) {
      flush();
      lines.push(line);
      if (fence) fenced = !fenced;
    } else {
      if (MARK.test(line)) flush();
      prose.push(line);
    }
  }
  flush();
  return lines.join('\n');
}

function paragraph(lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const mark = MARK.exec(lines[0]!)?.[0] ?? '';
  const text = lines
    .map((line) => line.trim())
    .join(' ')
    .slice(mark.length)
    .replace(/`[^`]*`|\[[^\]]*\]\([^)]*\)/g, (whole) => whole.replaceAll(' ', GLUE));
  return wrapped(text, COLUMNS - mark.length).map(
    (line, i) => `${i === 0 ? mark : ' '.repeat(mark.length)}${line.replaceAll(GLUE, ' ')}`,
  );
}
