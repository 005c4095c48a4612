// cli: completion for zsh, with the descriptions that the help has.
import type { CommandShape, OptionShape } from './shapes.ts';

/** The script for a file `_ackspan` in `$fpath`, or for `source <(ackspan completion zsh)`. */
export function zshScript(commands: readonly CommandShape[]): string {
  const list = commands.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`);
  const cases = commands.map(({ name, options, argument }) => {
    const specs = options.flatMap(optionSpecs);
    if (argument.length > 0) specs.push(quoted(`1:argument:(${argument.join(' ')})`));
    return `    ${name}) _arguments -s : \\\n      ${specs.join(' \\\n      ')} ;;`;
  });
  return `#compdef ackspan
# ackspan completion for zsh. Use it with: source <(ackspan completion zsh)
_ackspan() {
  local -a commands
  commands=(
${list.join('\n')}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
    help) _describe command commands ;;
${cases.join('\n')}
  esac
}
# Sourced: registers itself. As a file in $fpath: zsh runs the file as the function.
if [[ $funcstack[1] == _ackspan ]]; then
  _ackspan "$@"
else
  compdef _ackspan ackspan
fi
`;
}

function optionSpecs({ flags, doc, takes, words }: OptionShape): string[] {
  const text = doc.replaceAll(/[[\]\\:]/g, (found) => `\\${found}`);
  const value =
    takes === 'nothing'
      ? ''
      : takes === 'file'
        ? ':file:_files'
        : takes === 'word'
          ? `:word:(${words.join(' ')})`
          : takes === 'words'
            ? `:words:_values -s , word ${words.join(' ')}`
            : ':value: ';
  return flags.map((flag) => quoted(`${flag}[${text}]${value}`));
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
