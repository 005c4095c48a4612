// Rule groups → the YAML text that Prometheus loads, with a head that says where it comes from.
import { Document, type Scalar, visit } from 'yaml';

export interface Recording {
  readonly record: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface RuleGroup {
  readonly name: string;
  readonly interval: string;
  readonly rules: readonly (Recording | Alert)[];
}

/** Every generated YAML file begins with this. */
export const GENERATED = ' Written by `npm run dashboards` from dashboards/src (objectives: slo.ts). Change it there.';

/** A Prometheus rule file. */
export function ruleFile(groups: readonly RuleGroup[]): string {
  return yamlFile({ groups });
}

/** The same groups for the Prometheus Operator, which reads them out of a resource of its own. */
export function prometheusRule(groups: readonly RuleGroup[]): string {
  const metadata = { name: 'ackspan', labels: { app: 'realtime' } };
  return yamlFile({ apiVersion: 'monitoring.coreos.com/v1', kind: 'PrometheusRule', metadata, spec: { groups } });
}

/** Any value as YAML under the generated head; text of several lines is a block. */
export function yamlFile(value: unknown, comment = GENERATED): string {
  const document = new Document(value, { aliasDuplicateObjects: false });
  document.commentBefore = comment;
  visit(document, {
    Scalar(_, node: Scalar) {
      if (typeof node.value === 'string' && node.value.includes('\n')) node.type = 'BLOCK_LITERAL';
    },
  });
  return document.toString({ lineWidth: 0 });
}
