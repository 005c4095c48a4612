// cli: what can be completed: every command with its options and their values, read from the commands themselves.
import { Command } from 'commander';
import { FILTER_WORDS } from '../admin/filters.ts';
import type { CommandRow } from '../commands.ts';

export interface OptionShape {
  /** The long flag, and the short one where there is one: `--status`, `-n`. */
  readonly flags: readonly string[];
  readonly doc: string;
  readonly takes: 'nothing' | 'anything' | 'file' | 'word' | 'words';
  /** The values. For `word` the user picks one; for `words` several, separated by commas. */
  readonly words: readonly string[];
}

export interface CommandShape {
  readonly name: string;
  readonly summary: string;
  readonly options: readonly OptionShape[];
  /** Values of the first argument; empty = any, or there is no argument. */
  readonly argument: readonly string[];
}

const FILES: ReadonlySet<string> = new Set(['--config', '--token-file']);

/** Loads every command to read its options. */
export async function readShapes(rows: readonly CommandRow[]): Promise<CommandShape[]> {
  return Promise.all(
    rows.map(async ({ name, summary, load }) => {
      const command = new Command(name);
      (await load())(command);
      const options = command.options.map(
        ({ short, long, description, required, optional, argChoices }): OptionShape => {
          const flags = [long, short].filter((flag) => typeof flag === 'string');
          const filter = FILTER_WORDS[(long ?? '').slice(2)];
          const takes =
            !required && !optional
              ? 'nothing'
              : FILES.has(long ?? '')
                ? 'file'
                : argChoices !== undefined
                  ? 'word'
                  : filter === undefined
                    ? 'anything'
                    : 'words';
          return { flags, doc: description, takes, words: argChoices ?? filter ?? [] };
        },
      );
      const help: OptionShape = {
        flags: ['--help', '-h'],
        doc: 'what it does, with examples',
        takes: 'nothing',
        words: [],
      };
      return { name, summary, options: [...options, help], argument: command.registeredArguments[0]?.argChoices ?? [] };
    }),
  );
}
