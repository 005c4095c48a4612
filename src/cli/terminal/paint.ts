// cli: colours, where there is a terminal that shows them and nobody has asked for none.
import { styleText } from 'node:util';

/** What a colour says, rather than what it is. */
export type Tone = 'good' | 'bad' | 'warning' | 'doubt' | 'faint' | 'strong' | 'link';

/** Paints a text that has no controls in it. */
export type Paint = (text: string, tone: Tone) => string;

const STYLES: Readonly<Record<Tone, Parameters<typeof styleText>[0]>> = {
  good: 'green',
  bad: 'red',
  warning: 'yellow',
  doubt: 'magenta',
  faint: 'dim',
  strong: 'bold',
  link: 'cyan',
};

const painted: Paint = (text, tone) => (text === '' ? '' : styleText(STYLES[tone], text, { validateStream: false }));

/** For pipes, files and tests. */
export const plain: Paint = (text) => text;

/**
 * Whether to paint: never with `NO_COLOR` (https://no-color.org) or `TERM=dumb`, always with `FORCE_COLOR` (not `0`), else where the
 * output is a terminal.
 */
export function coloured(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  if ((env.NO_COLOR ?? '') !== '') return false;
  if ((env.FORCE_COLOR ?? '') !== '') return env.FORCE_COLOR !== '0';
  return isTerminal && env.TERM !== 'dumb';
}

export function paintFor(colour: boolean): Paint {
  return colour ? painted : plain;
}
