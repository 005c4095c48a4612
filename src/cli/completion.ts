// cli: `ackspan completion`: prints the script with which a shell completes commands, options and their values.
import { Argument, type Command } from 'commander';
import { COMMANDS } from './commands.ts';
import { bashScript } from './completion/bash.ts';
import { fishScript } from './completion/fish.ts';
import { readShapes } from './completion/shapes.ts';
import { zshScript } from './completion/zsh.ts';
import { OK } from './exit.ts';

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } as const;
type Shell = keyof typeof SCRIPTS;

export function define(command: Command): void {
  command.addArgument(new Argument('<shell>', 'the shell').choices(Object.keys(SCRIPTS)));
  command.addHelpText(
    'after',
    `
Examples:
  eval "$(ackspan completion bash)"                        for this shell; put the line into ~/.bashrc to keep it
  ackspan completion zsh > "\${fpath[1]}/_ackspan"          for zsh, or: source <(ackspan completion zsh)
  ackspan completion fish > ~/.config/fish/completions/ackspan.fish

Exit codes: 0 the script was printed; 2 bad usage.`,
  );
  command.action(async (shell: Shell) => {
    process.stdout.write(SCRIPTS[shell](await readShapes(COMMANDS)));
    process.exitCode = OK;
  });
}
