// cli: the label values that a sidecar exposes before it has had any traffic, for docs/metrics.md.

import { readSamples } from '../admin-client/exposition.ts';
import { loadConfig } from '../config/load.ts';
import { createSidecar } from '../sidecar/sidecar.ts';
import type { SeenValues } from '../telemetry/names/metrics-page.ts';
import { DEFAULTS } from './defaults.ts';

/** Starts a sidecar on free ports of loopback, in front of nothing, and reads its metrics once. */
export async function seenValues(): Promise<SeenValues> {
  const text =
    'upstream: http://127.0.0.1:1\nlisten: 127.0.0.1:0\nadmin: { listen: 127.0.0.1:0 }\nshutdown: { grace: 0ms }';
  const { config } = loadConfig({ env: {}, file: { name: 'docs.yaml', text }, defaults: DEFAULTS });
  const sidecar = createSidecar({
    config: config!,
    report: ({ stage, error }) => {
      // A busy machine is no fault of the pages.
      if (stage === 'standstill') return;
      throw new Error(`fault in ${stage}`, { cause: error });
    },
    log: { debug() {}, info() {}, warn() {} },
  });
  const { admin } = await sidecar.start();
  const answer = await fetch(`http://127.0.0.1:${admin!.port}/metrics`);
  const samples = readSamples(await answer.text());
  await sidecar.stop('the page is written');
  const seen = new Map<string, Map<string, Set<string>>>();
  for (const { name, labels } of samples) {
    const known = seen.get(name) ?? new Map<string, Set<string>>();
    seen.set(name, known);
    for (const [label, value] of Object.entries(labels)) known.set(label, (known.get(label) ?? new Set()).add(value));
  }
  return seen;
}
