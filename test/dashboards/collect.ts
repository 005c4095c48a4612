// Every PromQL query that this project ships, each with the place it comes from.
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { generatedFiles } from '../../dashboards/src/files.ts';
import { SLO } from '../../dashboards/src/slo.ts';

export const ROOT = resolve(import.meta.dirname, '../..');
export const DASHBOARDS = ['overview', 'losses', 'instances', 'retries', 'operations'] as const;

/** The parts of a committed dashboard that tests read. */
export interface DashboardJson {
  readonly uid: string;
  readonly title: string;
  readonly templating: {
    readonly list: readonly { name: string; type: string; query?: unknown; definition?: string }[];
  };
  readonly annotations: { readonly list: readonly { expr?: string }[] };
  readonly links: readonly { readonly title: string; readonly url: string }[];
  readonly panels: readonly PanelJson[];
}

export interface PanelJson {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly TargetJson[];
  readonly links?: readonly { url: string }[];
  readonly options?: Record<string, unknown>;
  readonly fieldConfig?: {
    defaults: {
      unit?: string;
      custom?: unknown;
      links?: readonly { url: string }[];
      thresholds?: { steps: readonly { value: number | null; color: string }[] };
    };
    overrides: readonly unknown[];
  };
}

export interface TargetJson {
  readonly refId: string;
  readonly expr: string;
  readonly legendFormat: string;
  readonly instant?: boolean;
  readonly range?: boolean;
  readonly exemplar?: boolean;
  readonly format?: string;
}

export interface Found {
  readonly where: string;
  readonly expr: string;
}

/** A committed dashboard. */
export function readDashboard(name: string): DashboardJson {
  return JSON.parse(readFileSync(join(ROOT, `dashboards/${name}.json`), 'utf8')) as DashboardJson;
}

/** Queries of all panels. */
export function panelQueries(): (Found & { readonly target: TargetJson })[] {
  return DASHBOARDS.flatMap((name) =>
    readDashboard(name).panels.flatMap((panel) =>
      (panel.targets ?? []).map((target) => ({
        where: `${name} / ${panel.title} / ${target.refId}`,
        expr: target.expr,
        target,
      })),
    ),
  );
}

/** Queries behind the variables and the marks of alerts. */
export function surroundingQueries(): Found[] {
  return DASHBOARDS.flatMap((name) => {
    const { templating, annotations } = readDashboard(name);
    const labels = templating.list
      .filter((each) => each.type === 'query')
      .map((each) => {
        const [, selector, label] = /^label_values\((.*), (\w+)\)$/.exec(each.definition ?? '') ?? [];
        return { where: `${name} / variable ${each.name}`, expr: `count by (${label}) (${selector})` };
      });
    const marks = annotations.list.map((each) => ({ where: `${name} / alert marks`, expr: each.expr ?? '' }));
    return [...labels, ...marks];
  });
}

/** Expressions of all rules. */
export function ruleQueries(): Found[] {
  return ['recording', 'alerts'].flatMap((name) => {
    const text = readFileSync(join(ROOT, `dashboards/prometheus/${name}.yml`), 'utf8');
    const { groups } = parse(text) as { groups: { rules: { alert?: string; record?: string; expr: string }[] }[] };
    return groups.flatMap((group) =>
      group.rules.map((rule) => ({ where: `rule ${rule.alert ?? rule.record}`, expr: rule.expr })),
    );
  });
}

/** Queries that runbooks tell people to run; an indented line goes on with the one above it. */
export function runbookQueries(): Found[] {
  const folder = join(ROOT, 'docs/runbooks');
  return readdirSync(folder).flatMap((file) => {
    const text = readFileSync(join(folder, file), 'utf8');
    return [...text.matchAll(/^( *)```promql\n(.*?)\n *```/gms)].flatMap(([, indent, block]) => {
      const lines = block!.split('\n').map((line) => line.slice(indent!.length));
      const whole: string[] = [];
      for (const line of lines) {
        if (line.startsWith(' ')) whole[whole.length - 1] += `\n${line}`;
        else whole.push(line);
      }
      return whole.map((expr) => ({ where: `runbook ${file}`, expr }));
    });
  });
}

/** Conditions of the cloud policies. */
export function policyQueries(): Found[] {
  return [...generatedFiles(SLO)].flatMap(([path, text]) => {
    if (!path.includes('monitoring/') || !path.endsWith('.json')) return [];
    return [...text.matchAll(/"query": (".*")/g)].map(([, quoted]) => ({
      where: path,
      expr: JSON.parse(quoted!) as string,
    }));
  });
}

/** All of them. */
export function allQueries(): Found[] {
  return [...panelQueries(), ...surroundingQueries(), ...ruleQueries(), ...runbookQueries(), ...policyQueries()];
}
