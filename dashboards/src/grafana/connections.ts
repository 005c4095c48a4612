// Rows of "who loses, where, why?": the connections behind the deliveries, and the tools whose start and end users see.
import { M } from '../series.ts';
import { clicked } from './links.ts';
import type { Row } from './panel.ts';
import { ofInstance, quantile, sumRate } from './select.ts';

/** How many, of what kind, and how they end. */
export const CONNECTIONS_ROW: Row = {
  title: 'Connections',
  panels: [
    {
      kind: 'timeseries',
      title: 'Open connections by capability',
      description:
        'processed = the application confirms; received = the WebSocket stack answers barriers; none = neither so far. Many "none" that stay are clients of which nothing can be proven.',
      span: 12,
      unit: 'short',
      stacked: true,
      min: 0,
      queries: [{ expr: `sum by (capability) (${ofInstance(M.connections)})`, legend: '{{capability}}' }],
      runbook: 'unverifiable-share.md',
    },
    {
      kind: 'timeseries',
      title: 'Closes by code and side',
      description:
        '1000 and 1001 are polite; 1006 has no close frame at all: a cut (abrupt); 1011 a server error; 1012 a restart. By whom: the side that ended it first. Many 1006 by client at once: the edge or the network.',
      span: 12,
      unit: 'suffix:/s',
      stacked: true,
      min: 0,
      queries: [{ expr: `${sumRate(ofInstance(M.closed), 'code, by')} > 0`, legend: '{{code}} by {{by}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Lifetime of closed connections',
      description:
        'A median that sits exactly on 30 s, 60 s, 5 min or 1 h is a time-out of a proxy or platform, not a user who left.',
      span: 12,
      unit: 's',
      min: 0,
      queries: [
        { expr: quantile(0.1, ofInstance(M.connectionBucket)), legend: 'p10' },
        { expr: quantile(0.5, ofInstance(M.connectionBucket)), legend: 'p50' },
        { expr: quantile(0.9, ofInstance(M.connectionBucket)), legend: 'p90' },
      ],
    },
    {
      kind: 'timeseries',
      title: 'Refused upgrades by reason',
      description:
        'upstream = the backend said no (401, 403 …), upstream_error = with 5xx; upstream_down = it could not be reached; handshake_timeout = it did not answer in time; connections, connections_per_user, memory = the limit of that name; client_gone = the client gave up.',
      span: 12,
      unit: 'suffix:/s',
      min: 0,
      queries: [{ expr: sumRate(ofInstance(M.rejected), 'reason'), legend: '{{reason}}' }],
      runbook: 'cannot-connect.md',
    },
  ],
};

/** Tool calls from `tool_executing` to `tool_completed`. */
export const TOOLS_ROW: Row = {
  title: 'Tools',
  panels: [
    {
      kind: 'timeseries',
      title: 'Tool duration p95',
      description: 'As users see it: from tool_executing to tool_completed. The spans are called "execute_tool NAME".',
      span: 8,
      unit: 's',
      min: 0,
      queries: [{ expr: quantile(0.95, ofInstance(`${M.tool}_bucket`), 'tool'), legend: '{{tool}}' }],
      traces: `{ span.gen_ai.tool.name = "${clicked('tool')}" }`,
    },
    {
      kind: 'timeseries',
      title: 'Tools that never finished',
      description: 'tool_executing without tool_completed in time: the user still sees it running. Zero is good.',
      span: 8,
      unit: 'suffix:/s',
      min: 0,
      queries: [{ expr: sumRate(ofInstance(M.orphaned), 'tool'), legend: '{{tool}}' }],
      runbook: 'tool-orphaned.md',
      traces: `{ span.gen_ai.tool.name = "${clicked('tool')}" && status = error }`,
    },
    {
      kind: 'timeseries',
      title: 'Runs out of order',
      description:
        'completed_without_start = a tool ended that never began; event_after_end = news after agent_completed; tool_open_at_end and missing_end = the user was left waiting. Zero is good; anything else is the backend’s order of events.',
      span: 8,
      unit: 'suffix:/s',
      min: 0,
      queries: [{ expr: sumRate(ofInstance(M.order), 'kind'), legend: '{{kind}}' }],
      runbook: 'tool-orphaned.md',
    },
  ],
};
