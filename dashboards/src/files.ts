// Every generated file: its path from the repository's root and its text. The writer and the drift test read this one list.
import { alertGroups } from './alerts.ts';
import { recordingGroups } from './recording.ts';
import { ruleFile } from './rule-file.ts';
import type { Slo } from './slo.ts';

/** Path → text. */
export function generatedFiles(slo: Slo): ReadonlyMap<string, string> {
  return new Map([
    ['dashboards/prometheus/recording.yml', ruleFile(recordingGroups(slo))],
    ['dashboards/prometheus/alerts.yml', ruleFile(alertGroups(slo))],
  ]);
}
