// admin-client: writes docs/causes.md from the table of causes.
import type { Cause } from './cause.ts';
import { CAUSES } from './causes.ts';
import { RESUME, SHED, UNMATCHED, UNRETAINED } from './reasons.ts';

/** The text of the page. */
export function causesPage(): string {
  return [
    '# Causes',
    '',
    '<!-- Written by `npm run docs` from src/admin-client/causes.ts and reasons.ts. Change it there. -->',
    '',
    'This page lists how a delivery can stand or end, what that usually means, and what to do.',
    '`ackspan delivery ID`, the live page and `ackspan mcp` say which of these a delivery is, with the evidence.',
    '',
    ...Object.entries(CAUSES).flatMap(([id, cause]) => section(id, cause)),
    ...table('Limits that let events pass untracked', SHED),
    ...table('Confirmations that changed nothing', UNMATCHED),
    ...table('Messages that could not be kept for a replay', UNRETAINED),
    ...table('Clients that asked for a session', RESUME),
  ].join('\n');
}

function section(id: string, { title, means, todo }: Cause): string[] {
  const heading = `## ${title[0]?.toUpperCase()}${title.slice(1)}`;
  return [
    heading,
    '',
    `\`${id}\``,
    '',
    means,
    '',
    ...todo.map((each, i) => `${i + 1}. ${each}`),
    ...(todo.length > 0 ? [''] : []),
  ];
}

function table(heading: string, words: Readonly<Record<string, string>>): string[] {
  const rows = Object.entries(words).map(([word, meaning]) => `| \`${word}\` | ${meaning} |`);
  return [`## ${heading}`, '', '| word | meaning |', '| --- | --- |', ...rows, ''];
}
