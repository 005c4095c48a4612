// Links to traces: the addresses of docs/page.md lead to the trace, each as its vendor reads it; nothing else becomes a link.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { loadConfig } from '../../src/config/load.ts';
import { traceLink } from '../../src/page/trace-link.ts';

const ID = '4bf92f3577b34da6a3ce929d0e0e4736';
/** The low 64 bits: 0xa3ce929d0e0e4736. */
const LOW = '11803532876627986230';
const PAGE = readFileSync(new URL('../../docs/page.md', import.meta.url), 'utf8');

/** The address that the page documents for a tracing system. */
function documented(system: string): string {
  return new RegExp(`^\\| ${system}[^|]*\\| \`([^\`]+)\` \\|$`, 'm').exec(PAGE)?.[1] ?? `nothing for ${system}`;
}

const link = (system: string): URL => new URL(traceLink(documented(system), ID) ?? '');

describe('documented addresses', () => {
  it.each(['Jaeger', 'Grafana Tempo', 'Google Cloud Trace', 'Datadog'])(
    '%s: is a setting that is accepted',
    (system) => {
      const trace_url = documented(system);
      const env = { ACKSPAN_UPSTREAM: 'http://127.0.0.1:8000', ACKSPAN_ADMIN_TRACE_URL: trace_url };
      const { config, faults } = loadConfig({ env, defaults: DEFAULTS, file: undefined });
      expect([faults, config?.admin.traceUrl]).toEqual([[], trace_url]);
    },
  );

  it('Jaeger: the trace is the last part of the path', () => {
    expect(link('Jaeger').pathname).toBe(`/trace/${ID}`);
  });

  it('Tempo: one pane of Explore asks the data source for the id in TraceQL', () => {
    const panes = JSON.parse(link('Grafana Tempo').searchParams.get('panes') ?? '') as Record<string, unknown>;
    expect(panes).toEqual({
      a: { datasource: 'tempo', queries: [{ refId: 'A', queryType: 'traceql', query: ID }] },
    });
  });

  it('Cloud Trace: the id is the parameter `tid`, beside the project', () => {
    const { searchParams } = link('Google Cloud Trace');
    expect(Object.fromEntries(searchParams)).toEqual({ project: 'PROJECT', tid: ID });
  });

  it('Datadog: the trace is the last part of the path, by all its 128 bits', () => {
    expect(link('Datadog').pathname).toBe(`/apm/trace/${ID}`);
  });
});

describe('a template', () => {
  it('can have the low 64 bits in decimal, exactly', () => {
    expect(traceLink('https://x/{trace_id_low}?all={trace_id}', ID)).toBe(`https://x/${LOW}?all=${ID}`);
    expect(traceLink('https://x/{trace_id_low}', `${'f'.repeat(16)}${'0'.repeat(15)}1`)).toBe('https://x/1');
    expect(traceLink('https://x/{trace_id_low}', 'f'.repeat(32))).toBe('https://x/18446744073709551615');
  });

  it.each(['', 'x', `${ID}/../..`, `${ID.slice(1)}?`, ID.toUpperCase(), '"},{"a":1', `\n${ID}`, `${ID}0`])(
    'a trace id that a file says is %j makes no link',
    (id) => expect(traceLink('https://x/{trace_id}', id)).toBeUndefined(),
  );

  it.each(['javascript:alert("{trace_id}")', 'data:text/html,{trace_id}', '//x/{trace_id}', ''])(
    'that is %j makes no link',
    (template) => expect(traceLink(template, ID)).toBeUndefined(),
  );
});
