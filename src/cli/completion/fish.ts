// cli: completion for fish, with the descriptions that the help has.
import type { CommandShape, OptionShape } from './shapes.ts';

/** The script for `ackspan completion fish | source`. */
export function fishScript(commands: readonly CommandShape[]): string {
  const names = commands.map(({ name }) => name).join(' ');
  const lines = [
    '# ackspan completion for fish. Use it with: ackspan completion fish | source',
    'complete -c ackspan -f',
    ...commands.map(
      ({ name, summary }) => `complete -c ackspan -n '__fish_use_subcommand' -a ${name} -d ${quoted(summary)}`,
    ),
    `complete -c ackspan -n '__fish_seen_subcommand_from help' -a ${quoted(names)}`,
    ...commands.flatMap(({ name, options, argument }) => [
      ...(argument.length === 0
        ? []
        : [`complete -c ackspan -n '__fish_seen_subcommand_from ${name}' -a ${quoted(argument.join(' '))}`]),
      ...options.map((option) => optionLine(name, option)),
    ]),
  ];
  return `${lines.join('\n')}\n`;
}

function optionLine(command: string, { flags, doc, takes, words }: OptionShape): string {
  const names = flags.map((flag) => (flag.startsWith('--') ? `-l ${flag.slice(2)}` : `-s ${flag.slice(1)}`)).join(' ');
  const value = {
    nothing: '',
    anything: ' -x',
    file: ' -r -F',
    word: ` -x -a ${quoted(words.join(' '))}`,
    words: ` -x -a ${quoted(`(__fish_append , ${words.join(' ')})`)}`,
  }[takes];
  return `complete -c ackspan -n '__fish_seen_subcommand_from ${command}' ${names}${value} -d ${quoted(doc)}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
