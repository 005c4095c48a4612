// The dashboards hold to Grafana's published types (dashboard, panels, queries): the compiler checks each value and each key.
import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DASHBOARDS, type PanelJson, ROOT, readDashboard } from './collect.ts';

const FOLDER = join(ROOT, '.cache', `dashboard-schema-${process.pid}`);
const SDK = '@grafana/grafana-foundation-sdk';
const PLUGINS = ['timeseries', 'stat', 'heatmap', 'table'];

beforeAll(() => mkdirSync(FOLDER, { recursive: true }));
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

/**
 * JSON has no enums: `Plain` lets the text of an enum's value stand for the enum, and leaves the
 * rest as strict as it is. The kinds of panel and query are `any` in the dashboard's own type, so
 * each is checked against its plugin's.
 */
const PLAIN = `
type Plain<T> = T extends (...args: never[]) => unknown ? never
  : T extends string ? \`\${T}\`
  : T extends number | boolean | null | undefined ? T
  : T extends readonly (infer U)[] ? Plain<U>[]
  : T extends object ? { [K in keyof T as T[K] extends (...args: never[]) => unknown ? never : K]: Plain<T[K]> }
  : T;
`;

function program(panels: readonly PanelJson[], dashboard: object): string {
  const lines = [
    `import type { Dashboard } from '${SDK}/dashboard';`,
    `import type { Dataquery } from '${SDK}/prometheus';`,
    ...PLUGINS.map((name) => `import type * as ${name} from '${SDK}/${name}';`),
    PLAIN,
    `export const dashboard: Plain<Dashboard> = ${JSON.stringify(dashboard)};`,
  ];
  for (const panel of panels) {
    if (panel.type === 'row') continue;
    const at = (part: string) => `${part}_${panel.id}`;
    const defaults = JSON.stringify(panel.fieldConfig!.defaults.custom ?? {});
    if (PLUGINS.includes(panel.type) && panel.options !== undefined) {
      lines.push(`export const ${at('options')}: Plain<${panel.type}.Options> = ${JSON.stringify(panel.options)};`);
    }
    if (panel.type !== 'stat') {
      lines.push(`export const ${at('custom')}: Partial<Plain<${panel.type}.FieldConfig>> = ${defaults};`);
    }
    for (const target of panel.targets ?? []) {
      lines.push(`export const ${at(`query_${target.refId}`)}: Plain<Dataquery> = ${JSON.stringify(target)};`);
    }
  }
  return lines.join('\n');
}

/** What the compiler says; empty = it holds. */
function faults(name: string, text: string): string {
  const file = join(FOLDER, `${name}.ts`);
  writeFileSync(file, text);
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2023'];
  const command = [join(ROOT, 'node_modules/typescript/bin/tsc'), '--ignoreConfig', ...options, '--types', '', file];
  const run = spawnSync(process.execPath, command, { encoding: 'utf8', cwd: ROOT });
  return run.stdout + run.stderr;
}

describe.each(DASHBOARDS)('%s', (name) => {
  const dashboard = readDashboard(name);

  test('holds to the published schema', () => {
    expect(faults(name, program(dashboard.panels, dashboard))).toBe('');
  });

  test('a wrong value and an unknown key do not', () => {
    const [row, first, ...rest] = structuredClone(dashboard.panels) as unknown as Record<string, unknown>[];
    const wrong = { ...first, targets: [{ refId: 'A', expr: 'up', format: 'picture' }], options: { colour: 'value' } };
    const text = faults(`${name}-wrong`, program([wrong as unknown as PanelJson], { ...dashboard, graphTooltip: 7 }));
    expect(row!.type).toBe('row');
    expect(rest.length).toBeGreaterThan(5);
    expect(text).toContain("'7'");
    expect(text).toContain('\'"picture"\'');
    expect(text).toContain('"colour"');
  });
});
