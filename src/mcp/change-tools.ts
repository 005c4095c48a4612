// mcp: the tools that change something, where the operator allows them; the sidecar logs each change with its reason.
import type { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { AdminClient } from '../admin-client/client.ts';
import { quoted } from '../admin-client/printable.ts';
import { count } from '../admin-client/wording.ts';
import { answered } from './answer.ts';
import { FILTER, filterOf } from './read-tools.ts';

/** Name of the author of a change in the sidecar's log. */
const BY = 'an assistant (ackspan mcp)';
const reason = z.string().min(1).max(400).describe('Why: it goes into the sidecar’s log');
const CHANGES = { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false } as const;

export function registerChangeTools(server: McpServer, client: AdminClient): void {
  server.registerTool(
    'resend_delivery',
    {
      title: 'Send one message again',
      description:
        'Sends the kept message of one OPEN delivery to its client again. Only where the message is kept (clients that opted in, or rules with resend). Ask the user before you call this.',
      inputSchema: z.object({ id: z.string().min(1).max(200).describe('Id of the delivery (d-…)'), reason }),
      annotations: CHANGES,
    },
    ({ id, reason }) =>
      answered(client.place, async () => {
        const { result, delivery } = await client.change('resend', id, { reason, by: BY });
        return result === 'sent'
          ? `Sent ${quoted(delivery.id)} again (attempt ${delivery.attempts}). Explain it in a moment to see what came of it.`
          : `Not sent: ${result}.`;
      }),
  );
  server.registerTool(
    'replay_deliveries',
    {
      title: 'Send many messages again',
      description:
        'Sends the kept messages of the OPEN deliveries of a filter again, oldest first. A dry run, which is the default, says what it would do. Show the user the dry run before you set dry_run to false.',
      inputSchema: z.object({
        ...FILTER,
        limit: z.number().int().min(1).max(1000).default(100),
        dry_run: z.boolean().default(true),
        reason,
      }),
      annotations: CHANGES,
    },
    ({ limit, dry_run: dryRun, reason, ...given }) =>
      answered(client.place, async () => {
        const done = await client.replay(filterOf(given), { dryRun, limit, reason, by: BY });
        const left = Object.entries({ ...done.skipped, blocked: done.blocked, failed: done.failed }).filter(
          ([, many]) => many > 0,
        );
        return [
          `${count(done.matched)} open deliveries match; ${count(done.sent)} ${dryRun ? 'would be' : 'were'} sent again.`,
          ...(left.length === 0 ? [] : [`Not: ${left.map(([why, many]) => `${why} ${count(many)}`).join(', ')}.`]),
          ...(done.more ? ['More match than the limit.'] : []),
          ...(dryRun ? ['This was a dry run: nothing was sent.'] : []),
        ].join('\n');
      }),
  );
}
