// The operations dashboard: the sidecar as a program — what it relays, what it costs, what it loses of its own telemetry.
import { M } from '../series.ts';
import type { DashboardSpec, Row } from './panel.ts';
import { ofInstance, sumRate } from './select.ts';

const RELAY: Row = {
  title: 'Relay',
  panels: [
    {
      kind: 'timeseries',
      title: 'Messages by direction',
      description: 'down = backend to client, up = client to backend. Data messages only, tracked or not.',
      span: 8,
      unit: 'suffix:/s',
      min: 0,
      queries: [{ expr: sumRate(ofInstance(M.messages), 'direction'), legend: '{{direction}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Bytes by direction',
      description: 'Bytes after the upgrade, frame headers included. Much more per message than usual: payloads grew.',
      span: 8,
      unit: 'Bps',
      min: 0,
      queries: [{ expr: sumRate(ofInstance(M.bytes), 'direction'), legend: '{{direction}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Back-pressure',
      description:
        'Seconds per second, summed over connections, in which reading stood still because the other side did not drain. down rising = clients that read too slowly; up rising = a backend that does.',
      span: 8,
      unit: 'suffix: s/s',
      min: 0,
      queries: [{ expr: sumRate(ofInstance(M.backpressure), 'direction'), legend: '{{direction}}' }],
      runbook: 'late-confirmations.md',
    },
    {
      kind: 'timeseries',
      title: 'Frames added and consumed',
      description:
        'Barrier pings out and their pongs back should lie together; a gap is clients that do not answer. "pong added" are answers owed to the backend’s own pings.',
      span: 6,
      unit: 'suffix:/s',
      min: 0,
      queries: [
        { expr: sumRate(ofInstance(M.added), 'kind'), legend: '{{kind}} added' },
        { expr: sumRate(ofInstance(M.consumed), 'kind'), legend: '{{kind}} consumed' },
      ],
      runbook: 'unverifiable-share.md',
    },
    {
      kind: 'timeseries',
      title: 'Relayed without tracking, by reason',
      description:
        'Messages that the rules leave out, or that could not be read as an event. A new reason after a release: the payloads changed.',
      span: 6,
      unit: 'suffix:/s',
      min: 0,
      queries: [{ expr: `${sumRate(ofInstance(M.untracked), 'reason')} > 0`, legend: '{{reason}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Share of messages without a readable event',
      description:
        'Messages of the backend in which no event was found, by shape: text of another protocol, binary, JSON without a type. They are proven as received only, at LOW priority. High from the start: events.type does not say where the type is. A step up: the payloads changed.',
      span: 6,
      unit: 'percentunit',
      min: 0,
      max: 1,
      stacked: true,
      queries: [
        {
          expr: `${sumRate(ofInstance(M.unread), 'kind')} / ignoring(kind) group_left ${sumRate(ofInstance(M.messages, 'direction="down"'))}`,
          legend: '{{kind}}',
        },
      ],
    },
    {
      kind: 'timeseries',
      title: 'Faults',
      description:
        'protocol = a peer broke RFC 6455, relayed as it is; tap = our own code threw, and the connection is a pure pass-through now. tap above zero is a bug.',
      span: 6,
      unit: 'suffix:/s',
      min: 0,
      queries: [{ expr: sumRate(ofInstance(M.faults), 'kind'), legend: '{{kind}}' }],
      runbook: 'tracking-fault.md',
    },
  ],
};

const PROCESS: Row = {
  title: 'Process',
  panels: [
    {
      kind: 'timeseries',
      title: 'Event loop delay (the ten worst)',
      description:
        'How late the event loop is: everything relayed is late by the same. p99 above 0.1 s is felt, above 0.25 s alerts.',
      span: 6,
      unit: 's',
      min: 0,
      queries: [
        { expr: `topk(10, max by (instance) (${ofInstance(M.loopP50)}))`, legend: 'p50 {{instance}}' },
        { expr: `topk(10, max by (instance) (${ofInstance(M.loopP99)}))`, legend: 'p99 {{instance}}' },
        { expr: `topk(10, max by (instance) (${ofInstance(M.loopMax)}))`, legend: 'max {{instance}}' },
      ],
      runbook: 'event-loop-blocked.md',
    },
    {
      kind: 'timeseries',
      title: 'Event loop in use (the ten busiest)',
      description: 'Share of time in which the event loop was busy. Above 0.7 for long: add an instance.',
      span: 6,
      unit: 'percentunit',
      min: 0,
      max: 1,
      queries: [{ expr: `topk(10, max by (instance) (${ofInstance(M.loopUse)}))`, legend: '{{instance}}' }],
      runbook: 'event-loop-blocked.md',
    },
    {
      kind: 'timeseries',
      title: 'CPU (the ten busiest)',
      description: 'Cores in use. One event loop cannot use much more than one.',
      span: 6,
      unit: 'suffix: cores',
      min: 0,
      queries: [
        { expr: `topk(10, ${sumRate(ofInstance(M.cpu), 'instance, cpu_mode')})`, legend: '{{instance}} {{cpu_mode}}' },
      ],
    },
    {
      kind: 'timeseries',
      title: 'Uptime (the ten youngest)',
      description: 'Falls to zero at each restart; each restart closed its connections with 1012.',
      span: 6,
      unit: 's',
      min: 0,
      queries: [{ expr: `bottomk(10, max by (instance) (${ofInstance(M.uptime)}))`, legend: '{{instance}}' }],
      runbook: 'instance-down.md',
    },
    {
      kind: 'timeseries',
      title: 'Resident memory (the ten largest)',
      description:
        'Should follow connections and pending deliveries, and come back. A slope that never falls is a leak.',
      span: 6,
      unit: 'bytes',
      min: 0,
      queries: [{ expr: `topk(10, sum by (instance) (${ofInstance(M.memory)}))`, legend: '{{instance}}' }],
    },
    {
      kind: 'timeseries',
      title: 'Memory used of limits.memory (the ten fullest)',
      description:
        'Share of what limits.memory lets the process have. From 0.85 LOW and NORMAL events pass untracked, from 0.95 new connections are answered 503; both end 5 points lower. No line: there is no bound.',
      span: 6,
      unit: 'percentunit',
      min: 0,
      max: 1,
      lines: true,
      steps: [
        { value: null, color: 'green' },
        { value: 0.85, color: 'orange' },
        { value: 0.95, color: 'red' },
      ],
      queries: [{ expr: `topk(10, max by (instance) (${ofInstance(M.memoryUsed)}))`, legend: '{{instance}}' }],
      runbook: 'events-shed.md',
    },
    {
      kind: 'timeseries',
      title: 'Messages under way (the ten fullest)',
      description:
        'Share of limits.in_flight_bytes that is kept of messages whose end has not come yet. Near 1, messages pass unread (too_large) until there is room: many long messages at once, or backends that send them slowly.',
      span: 6,
      unit: 'percentunit',
      min: 0,
      max: 1,
      queries: [
        {
          expr: `topk(10, max by (instance) (${ofInstance(M.inFlight)} / ${ofInstance(M.inFlightLimit)}))`,
          legend: '{{instance}}',
        },
      ],
      runbook: 'events-shed.md',
    },
    {
      kind: 'timeseries',
      title: 'Heap by space',
      description:
        'Where V8 keeps what is alive. old_space near --max-old-space-size: the collector of garbage will block the loop.',
      span: 6,
      unit: 'bytes',
      stacked: true,
      min: 0,
      queries: [{ expr: `sum by (v8js_heap_space_name) (${ofInstance(M.heap)})`, legend: '{{v8js_heap_space_name}}' }],
    },
  ],
};

const TELEMETRY: Row = {
  title: 'Telemetry',
  panels: [
    {
      kind: 'timeseries',
      title: 'Spans and log events by result',
      description:
        'dropped = the queue was full; failed = the collector refused. Both should be zero; metrics are complete either way.',
      span: 8,
      unit: 'suffix:/s',
      min: 0,
      queries: [
        { expr: sumRate(ofInstance(M.spans), 'result'), legend: 'spans {{result}}' },
        { expr: sumRate(ofInstance(M.logs), 'result'), legend: 'log events {{result}}' },
      ],
      runbook: 'telemetry-dropped.md',
    },
    {
      kind: 'timeseries',
      title: 'Scrape (the ten slowest)',
      description: 'How long Prometheus waits for /metrics. It grows with the number of event types.',
      span: 8,
      unit: 's',
      min: 0,
      queries: [
        { expr: `topk(10, max by (instance) (${ofInstance('scrape_duration_seconds')}))`, legend: '{{instance}}' },
      ],
      runbook: 'instance-down.md',
    },
    {
      kind: 'timeseries',
      title: 'Users of upgrade requests',
      description:
        'identified, none, or why a request that should name its user does not (a token that does not verify, for one). A rise of the latter after a change of keys: clients are nobody to the sidecar.',
      span: 8,
      unit: 'suffix:/s',
      min: 0,
      queries: [{ expr: sumRate(ofInstance(M.identity), 'result'), legend: '{{result}}' }],
    },
  ],
};

/** The sidecar as a program. */
export const OPERATIONS: DashboardSpec = {
  uid: 'ackspan-operations',
  title: 'Ackspan: the sidecar as a program',
  description: 'Relay throughput and back-pressure, event loop and memory, telemetry losses.',
  filters: [{ name: 'instance', label: 'Instance', metric: M.uptime }],
  rows: [RELAY, PROCESS, TELEMETRY],
};
