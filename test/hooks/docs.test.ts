// The examples of docs/hooks.md, run as they stand on a notice that was really sent.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createHooks } from '../../src/hooks/hooks.ts';
import { resolveTarget } from '../../src/hooks/target.ts';
import { missing } from '../support/component.ts';
import { eventType, facts, session, Walk } from '../support/deliveries.ts';
import { SECRET, startReceiver } from './receiver.ts';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/hooks.md'), 'utf8');

function example(language: string): string {
  const found = new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'm').exec(page);
  if (found === null) throw new Error(`docs/hooks.md has no example in ${language}`);
  return found[1]!;
}

async function notice(): Promise<{ headers: object; body: string; sample: object }> {
  const receiver = await startReceiver();
  const hooks = createHooks({
    target: resolveTarget(receiver.url, {} as never),
    secrets: [SECRET],
    kinds: ['timeout'],
    source: 'urn:ackspan:ackspan',
    userAgent: 'ackspan/test',
    payload: false,
    now: () => Date.now(),
    wallOf: (at) => at,
    random: () => 0.5,
    report() {},
  });
  const what = facts({ type: eventType('tool_completed'), id: 'e-ü', traceparent: 'tp' });
  new Walk(hooks.observer, session('u1'), what, Date.now()).ended('timeout', 'timeout', Date.now());
  await hooks.stop(10_000);
  const [received] = receiver.received;
  await receiver.close();
  return { headers: received!.headers, body: received!.body, sample: JSON.parse(received!.body) as object };
}

function run(
  command: string,
  args: readonly string[],
  input: object,
): { code: number | null; out: string; error: string } {
  const { status, stdout, stderr } = spawnSync(command, args, { input: JSON.stringify(input), encoding: 'utf8' });
  return { code: status, out: stdout.trim(), error: stderr };
}

describe('docs/hooks.md', () => {
  test('the sample notice has the fields that a notice has', async () => {
    const { sample } = await notice();
    const shown = JSON.parse(example('json')) as { data: object };
    expect(Object.keys(shown)).toEqual(Object.keys(sample));
    expect(Object.keys(shown.data)).toEqual(Object.keys((sample as { data: object }).data));
  });

  test('the JavaScript example believes a genuine notice and no other', async () => {
    const { headers, body } = await notice();
    const file = join(mkdtempSync(join(tmpdir(), 'hooks-docs-')), 'verify.mjs');
    writeFileSync(
      file,
      `${example('js')}
import { readFileSync } from 'node:fs';
const { headers, body } = JSON.parse(readFileSync(0, 'utf8'));
console.log(verify(headers, body, '${SECRET}').subject);`,
    );
    expect(run(process.execPath, [file], { headers, body })).toEqual({ code: 0, out: 'e-ü', error: '' });
    expect(run(process.execPath, [file], { headers, body: `${body} ` }).error).toContain('not signed by Ackspan');
    const old = { ...headers, 'webhook-timestamp': '1614265330' };
    expect(run(process.execPath, [file], { headers: old, body }).error).toContain('too old');
  });

  test.skipIf(missing('python3'))('the Python example believes a genuine notice and no other', async () => {
    const { headers, body } = await notice();
    const script = `${example('python')}
import sys
sys.stdin.reconfigure(encoding="utf-8")
given = json.load(sys.stdin)
print(verify(given["headers"], given["body"].encode(), "${SECRET}")["data"]["event_type"])`;
    expect(run('python3', ['-c', script], { headers, body })).toEqual({ code: 0, out: 'tool_completed', error: '' });
    expect(run('python3', ['-c', script], { headers, body: `${body} ` }).error).toContain('not signed by Ackspan');
    const old = { ...headers, 'webhook-timestamp': '1614265330' };
    expect(run('python3', ['-c', script], { headers: old, body }).error).toContain('too old');
  });
});
