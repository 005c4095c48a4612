// Every generated file: its path from the repository's root and its text. The writer and the drift test read this one list.
import { readFileSync } from 'node:fs';
import { alertGroups } from './alerts.ts';
import { cloudMonitoringFiles } from './cloud-monitoring.ts';
import { buildDashboard } from './grafana/build.ts';
import { INSTANCES } from './grafana/instances.ts';
import { OPERATIONS } from './grafana/operations.ts';
import { LOSSES, overview } from './grafana/overview.ts';
import type { DashboardSpec } from './grafana/panel.ts';
import { RETRIES } from './grafana/retries.ts';
import { instanceGroup } from './instances.ts';
import { recordingGroups } from './recording.ts';
import { prometheusRule, ruleFile } from './rule-file.ts';
import type { Slo } from './slo.ts';

const KUBERNETES = 'deploy/kubernetes';

/** Path → text. Reads `otel-collector.yaml` of the checkout that it is run in. */
export function generatedFiles(slo: Slo): ReadonlyMap<string, string> {
  const dashboards = {
    overview: overview(slo),
    losses: LOSSES,
    instances: INSTANCES,
    retries: RETRIES,
    operations: OPERATIONS,
  };
  const recording = [...recordingGroups(slo), instanceGroup()];
  return new Map([
    ...Object.entries(dashboards).map(([name, spec]) => {
      const others: DashboardSpec[] = Object.values(dashboards).filter((each) => each !== spec);
      return [`dashboards/${name}.json`, json(buildDashboard(spec, others))] as const;
    }),
    ['dashboards/prometheus/recording.yml', ruleFile(recording)],
    ['dashboards/prometheus/alerts.yml', ruleFile(alertGroups(slo))],
    [`${KUBERNETES}/components/prometheus-operator/rules.yaml`, prometheusRule([...recording, ...alertGroups(slo)])],
    ['deploy/helm/ackspan/files/rules.yaml', ruleFile([...recording, ...alertGroups(slo)])],
    // Kustomize reads no file from outside its folder.
    [`${KUBERNETES}/base/otel-collector.yaml`, readFileSync('otel-collector.yaml', 'utf8')],
    ...[...cloudMonitoringFiles(slo)].map(
      ([name, value]) => [`deploy/cloudrun/monitoring/${name}`, json(value)] as const,
    ),
  ]);
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
