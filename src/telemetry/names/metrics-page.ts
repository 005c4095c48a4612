// telemetry: docs/metrics.md, written from the table of metrics.
import {
  ATTEMPT_KINDS,
  ATTEMPT_RESULTS,
  CAPABILITIES,
  ERROR_TYPES,
  LEVELS,
  PRIORITIES,
  SHED_REASONS,
  UNMATCHED_REASONS,
  UNVERIFIABLE_REASONS,
} from '../../delivery/words.ts';
import { LABEL, METRICS, type MetricRow } from './names.ts';
import { labelName, sampleName } from './prometheus-names.ts';

/** What a label says, whatever the metric. */
const MEANINGS: Readonly<Record<keyof typeof LABEL, string>> = {
  eventType: "The event's type; `other` for types past `events.max_types`.",
  priority: 'The priority that the rules give to the event.',
  level: 'The highest evidence at the outcome.',
  errorType:
    'Why the delivery was not confirmed. A confirmed delivery does not have the label: `error_type=""` in PromQL.',
  kind: 'Which kind of thing is counted.',
  result: 'What became of the thing that is counted.',
  reason: 'Why it was counted.',
  capability: 'The highest evidence that the client of the connection has ever given.',
  code: 'The code of the Close frame: a registered one, `3xxx`, `4xxx` or `other`; `1006` = there was none.',
  by: 'Who ended the connection first.',
  direction: '`down`: from the upstream to the client; `up`: from the client to the upstream.',
  tool: "The tool's name; `other` for tools past the first 100.",
  limit: 'The key of the limit below `limits`.',
  version: 'The version of Ackspan.',
  nodeVersion: 'The version of Node.js.',
  cpuMode: 'Where the CPU time went.',
  heapSpace: 'The heap space, by the name that V8 gives it.',
};

/** Values that appear with the first delivery only. */
const WORDS: Readonly<Partial<Record<keyof typeof METRICS, Readonly<Record<string, readonly string[]>>>>> = {
  deliveryDuration: {
    [LABEL.level]: ['none', ...LEVELS],
    [LABEL.errorType]: ERROR_TYPES.filter((type) => type !== ''),
  },
  unverifiable: { [LABEL.reason]: UNVERIFIABLE_REASONS },
  attempts: { [LABEL.kind]: ATTEMPT_KINDS, [LABEL.result]: ATTEMPT_RESULTS },
  shed: { [LABEL.reason]: SHED_REASONS },
  unmatched: { [LABEL.reason]: UNMATCHED_REASONS },
  connectionActive: { [LABEL.capability]: CAPABILITIES },
  connectionDuration: { [LABEL.capability]: CAPABILITIES },
};
/** Labels whose values `MEANINGS` explains, or whose values are not Ackspan's own. */
const OPEN: ReadonlySet<string> = new Set([LABEL.eventType, LABEL.code, LABEL.tool, LABEL.cpuMode, LABEL.heapSpace]);

/** Titles of the parts of the page, by prefix of a name. The first prefix that fits decides. */
const PARTS: readonly (readonly [prefix: string, title: string])[] = [
  ['ackspan.delivery.', 'Deliveries'],
  ['ackspan.confirmation.', 'Confirmations'],
  ['ackspan.connection.', 'Connections'],
  ['ackspan.upstream.', 'Connections'],
  ['ackspan.identity.', 'Connections'],
  ['ackspan.session.', 'Sessions that outlive a connection'],
  ['ackspan.retained.', 'Sessions that outlive a connection'],
  ['ackspan.relay.', 'The relay'],
  ['ackspan.decode.', 'Messages that are not tracked'],
  ['ackspan.tool.', 'Agents: tools and runs'],
  ['ackspan.order.', 'Agents: tools and runs'],
  ['ackspan.http.', 'Plain HTTP, tunnels and the admin port'],
  ['ackspan.tunnel.', 'Plain HTTP, tunnels and the admin port'],
  ['ackspan.admin.', 'Plain HTTP, tunnels and the admin port'],
  ['ackspan.hook.', 'Notices to the backend'],
  ['ackspan.telemetry.', 'Telemetry about telemetry'],
  ['', 'The process'],
];

const INTRODUCTION = `# Metrics

<!-- Written by \`npm run docs\` from src/telemetry/names/. Change it there. -->

\`GET /metrics\` of the admin server has all metrics, as Prometheus text or, if the scraper asks for it,
as OpenMetrics with exemplars, or as Prometheus' protobuf with native histograms. Metrics are also pushed over OTLP where an \`OTEL_EXPORTER_OTLP_…\`
variable names a collector. Both ways have the same names: the second column is what OTLP carries,
the first what Prometheus stores.

- A counter only grows. A sum and a gauge are readings. A histogram has \`_bucket\`, \`_sum\` and \`_count\`.
- Prometheus gets native histograms where it asks for them (\`scrape_protocols\` with
  \`PrometheusProto\`, or \`--enable-feature=native-histograms\`): deliveries, receipts and
  confirmations by the application, in buckets that grow by 9 %. The rules and dashboards here read
  the classic series, so keep those too (\`always_scrape_classic_histograms: true\`).
- No user, session, connection or message id is a label, so the number of series is bounded.
- A counter of things that go wrong has its series from the start, with 0, so \`increase()\` sees the
  first fault.
- **Confirmation rate** =
  \`ackspan_delivery_duration_seconds_count{error_type=""}\` /
  \`ackspan_delivery_duration_seconds_count\`.
`;

/** Label values that a sidecar exposed: by Prometheus name of the metric and name of the label. */
export type SeenValues = ReadonlyMap<string, ReadonlyMap<string, ReadonlySet<string>>>;

/** The whole of docs/metrics.md. `seen`: the label values of a sidecar without traffic. */
export function metricsPage(seen: SeenValues): string {
  const parts = new Map<string, string[]>();
  for (const [key, row] of Object.entries<MetricRow>(METRICS)) {
    const title = PARTS.find(([prefix]) => row.name.startsWith(prefix))![1];
    const lines = parts.get(title) ?? ['| in Prometheus | over OTLP | what it is | labels |', '|---|---|---|---|'];
    lines.push(metricLine(key as keyof typeof METRICS, row, seen));
    parts.set(title, lines);
  }
  // Titles are in the order of PARTS, which is that of a reader, not that of the table.
  const titles = [...new Set(PARTS.map(([, title]) => title))].filter((title) => parts.has(title));
  const tables = titles.map((title) => `## ${title}\n\n${parts.get(title)!.join('\n')}\n`);
  return [INTRODUCTION, ...tables, labelTable(), bucketTable()].join('\n');
}

function metricLine(key: keyof typeof METRICS, row: MetricRow, seen: SeenValues): string {
  const name = sampleName(row.name, row.unit, row.kind);
  const kind = row.kind === 'updown' ? 'sum' : row.kind;
  const labels = row.attributes.map((attribute) => {
    const values = valuesOf(key, attribute, seen.get(name)?.get(labelName(attribute)));
    return `\`${labelName(attribute)}\`${values.length === 0 ? '' : `: ${values.map((value) => `\`${value}\``).join(' ')}`}`;
  });
  return `| \`${name}\` | \`${row.name}\`, ${kind}, \`${row.unit}\` | ${row.description} | ${labels.join('; ') || '–'} |`;
}

function valuesOf(key: keyof typeof METRICS, attribute: string, seen: ReadonlySet<string> = new Set()): string[] {
  if (OPEN.has(attribute)) return [];
  if (attribute === LABEL.priority) return [...PRIORITIES];
  return [...new Set([...(WORDS[key]?.[attribute] ?? []), ...seen])];
}

function labelTable(): string {
  const lines = Object.entries(LABEL).map(
    ([key, name]) => `| \`${labelName(name)}\` | \`${name}\` | ${MEANINGS[key as keyof typeof LABEL]} |`,
  );
  return ['## Labels\n', '| in Prometheus | over OTLP | what it says |', '|---|---|---|', ...lines, ''].join('\n');
}

function bucketTable(): string {
  const rows = Object.values<MetricRow>(METRICS).filter(({ bounds }) => bounds !== undefined);
  const lines = rows.map(
    ({ name, unit, kind, bounds }) => `| \`${sampleName(name, unit, kind)}\` | ${bounds!.join(', ')} |`,
  );
  return ['## Buckets\n', '| histogram | upper bounds, seconds |', '|---|---|', ...lines, ''].join('\n');
}
