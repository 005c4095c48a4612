// docs/metrics.md and docs/spans.md leave out no name.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { metricsPage } from '../../src/telemetry/names/metrics-page.ts';
import { LABEL, METRICS } from '../../src/telemetry/names/names.ts';
import { labelName, sampleName } from '../../src/telemetry/names/prometheus-names.ts';
import { ATTR, SPAN_EVENT } from '../../src/telemetry/names/span-names.ts';

const page = (name: string) => readFileSync(`docs/${name}.md`, 'utf8');

it('every metric, label, span event and attribute is on its page', () => {
  const metrics = Object.values(METRICS).map(({ name, unit, kind }) => sampleName(name, unit, kind));
  for (const name of [...metrics, ...Object.values(LABEL).map(labelName)])
    expect(page('metrics')).toContain(`\`${name}\``);
  for (const name of [...Object.values(ATTR), ...Object.values(SPAN_EVENT)])
    expect(page('spans')).toContain(`\`${name}\``);
});

it('a label without words of its own shows the values that a sidecar exposes', () => {
  const seen = new Map([['ackspan_hook_dropped_total', new Map([['reason', new Set(['no_such_reason'])]])]]);
  expect(metricsPage(seen)).toContain('`reason`: `no_such_reason`');
});
