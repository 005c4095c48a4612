// Every generated file: its path from the repository's root and its text. The writer and the drift test read this one list.
import { alertGroups } from './alerts.ts';
import { cloudMonitoringFiles } from './cloud-monitoring.ts';
import { buildDashboard } from './grafana/build.ts';
import { OPERATIONS } from './grafana/operations.ts';
import { overview } from './grafana/overview.ts';
import { instanceGroup } from './instances.ts';
import { recordingGroups } from './recording.ts';
import { ruleFile } from './rule-file.ts';
import type { Slo } from './slo.ts';

/** Path → text. */
export function generatedFiles(slo: Slo): ReadonlyMap<string, string> {
  const first = overview(slo);
  return new Map([
    ['dashboards/overview.json', json(buildDashboard(first, [OPERATIONS]))],
    ['dashboards/operations.json', json(buildDashboard(OPERATIONS, [first]))],
    ['dashboards/prometheus/recording.yml', ruleFile([...recordingGroups(slo), instanceGroup()])],
    ['dashboards/prometheus/alerts.yml', ruleFile(alertGroups(slo))],
    ...[...cloudMonitoringFiles(slo)].map(
      ([name, value]) => [`deploy/cloudrun/monitoring/${name}`, json(value)] as const,
    ),
  ]);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
