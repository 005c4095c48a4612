// cli: colours, where the output is a terminal that shows them and its user has not declined them.
import { styleText } from 'node:util';

/** The meaning of a colour. */
export type Tone = 'good' | 'bad' | 'warning' | 'doubt' | 'faint' | 'strong' | 'link';

/** Paints a text that has no control characters in it. */
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

/** Paints nothing, for pipes, files and tests. */
export const plain: Paint = (text) => text;

/**
 * Whether to paint: never with `NO_COLOR` (https://no-color.org) or `TERM=dumb`; always with
 * `FORCE_COLOR` other than `0`; else where the output is a terminal.
 */
export function coloured(isTerminal: boolean, env: Readonly<Record<string, string | undefined>>): boolean {
  if ((env.NO_COLOR ?? '') !== '') return false;
  if ((env.FORCE_COLOR ?? '') !== '') return env.FORCE_COLOR !== '0';
  return isTerminal && env.TERM !== 'dumb';
}

export function paintFor(colour: boolean): Paint {
  return colour ? painted : plain;
}
