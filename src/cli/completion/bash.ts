// cli: completion for bash, as a script that holds all words, so that the TAB key starts no process.
import type { CommandShape, OptionShape } from './shapes.ts';

/** The script for `eval "$(ackspan completion bash)"`. */
export function bashScript(commands: readonly CommandShape[]): string {
  const names = [...commands.map(({ name }) => name), 'help'].join(' ');
  const values = commands.flatMap(({ name, options }) => options.flatMap((option) => valueCase(name, option)));
  const words = commands.map(
    ({ name, options, argument }) =>
      `    ${name}) words="${[...argument, ...options.flatMap(({ flags }) => flags)].join(' ')}" ;;`,
  );
  return `# ackspan completion for bash. Use it with: eval "$(ackspan completion bash)"
_ackspan_list() {
  # Values separated by commas: the ones before the last comma stay.
  local kept=
  [[ $word == *,* ]] && kept="\${word%,*},"
  COMPREPLY=($(compgen -P "$kept" -W "$1" -- "\${word##*,}"))
}
_ackspan() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command= words= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      -*) ;;
      *) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case "$command $before" in
${values.join('\n')}
  esac
  case $command in
    '') words="${names} --help --version" ;;
    help) words="${names}" ;;
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}
complete -F _ackspan ackspan
`;
}

function valueCase(command: string, { flags, takes, words }: OptionShape): string[] {
  const pattern = flags.map((flag) => `"${command} ${flag}"`).join('|');
  switch (takes) {
    case 'nothing':
      return [];
    case 'anything':
      return [`    ${pattern}) return ;;`];
    case 'file':
      return [`    ${pattern}) COMPREPLY=($(compgen -f -- "$word")); return ;;`];
    case 'word':
      return [`    ${pattern}) COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$word")); return ;;`];
    case 'words':
      return [`    ${pattern}) _ackspan_list "${words.join(' ')}"; return ;;`];
  }
}
