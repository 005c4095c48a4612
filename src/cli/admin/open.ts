// cli: `ackspan open`: prints the address of the sidecar's page, and opens the page where there is a desktop.
import { spawn } from 'node:child_process';
import type { Command } from 'commander';
import { OK } from '../exit.ts';
import { type Asked, defineAsking } from './command.ts';
import type { Terminal } from './terminal.ts';

export function define(command: Command): void {
  command.option('--print', 'only print the address');
  defineAsking(
    command,
    {
      examples: [
        ['ackspan open', 'the page of the sidecar on this machine'],
        ['ackspan open --print --admin https://app.example.com/.ackspan', 'only its address'],
      ],
      codes: ['0 the sidecar answers and the address was printed'],
      notes: ['The page asks for the token itself; it is in no address.'],
    },
    open,
  );
}

async function open({ client, terminal, given }: Asked): Promise<number> {
  const { token_required } = await client.about();
  const address = `${client.place.base}/`;
  await terminal.print(address);
  if (token_required) terminal.say('The page will ask for the token (admin.token).');
  if (given.print !== true && terminal.interactive) launch(address, terminal);
  return OK;
}

/**
 * The command that opens an address on this platform; undefined = none, as on Linux without a
 * desktop.
 */
function launcher(): readonly string[] | undefined {
  if (process.platform === 'darwin') return ['open'];
  if (process.platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  return process.env.DISPLAY || process.env.WAYLAND_DISPLAY ? ['xdg-open'] : undefined;
}

function launch(address: string, terminal: Pick<Terminal, 'say'>): void {
  const found = launcher();
  if (found === undefined) return;
  const [command = '', ...words] = found;
  const child = spawn(command, [...words, address], { detached: true, stdio: 'ignore' });
  child.on('error', () => terminal.say('No browser could be started; open the address yourself.'));
  child.unref();
}
