// cli: `ackspan mcp`: answers an assistant's questions about a sidecar; stdout belongs to the protocol.
import type { Command } from 'commander';
import { printable } from '../admin-client/printable.ts';
import { type Asked, defineAsking } from './admin/command.ts';
import { OK } from './exit.ts';

/** Adds options and action. */
export function define(command: Command): void {
  command.option('--allow-changes', 'also offer tools that send messages again; without it everything is only read');
  defineAsking(
    command,
    {
      examples: [
        [
          'ackspan mcp --admin http://127.0.0.1:9464',
          'started by an assistant, which talks to it over stdin and stdout',
        ],
        ['ackspan mcp --token-file ~/.ackspan-token', 'with the sidecar’s token'],
      ],
      goesOn: true,
      codes: ['0 the assistant closed the connection'],
      notes: ['docs/mcp.md says how to add it to an assistant.'],
    },
    serve,
  );
}

async function serve({ client, others, terminal, given }: Asked): Promise<number> {
  // The SDK is loaded by this command only.
  const { serveMcp } = await import('../mcp/server.ts');
  const ended = new AbortController();
  terminal.ended.addEventListener('abort', () => ended.abort(), { once: true });
  await serveMcp({
    client,
    others,
    allowChanges: given.allowChanges === true,
    signal: ended.signal,
    fault: (error) => terminal.say(`ackspan: ${printable(error.message)}`),
  });
  ended.abort();
  return OK;
}
