// The terminal pictures of README and docs: there, of commands that exist, and with the columns that these commands print today.
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { closeAll } from '../support/backends.ts';
import { runCli } from '../support/build.ts';
import { startSidecar } from '../support/sidecar-process.ts';
import { event, openClient, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const ROOT = resolve(import.meta.dirname, '../..');
const read = (name: string) => readFileSync(resolve(ROOT, name), 'utf8');

const BLOCKS = ['README.md', 'docs/cli.md'].flatMap((page) =>
  [...read(page).matchAll(/<!-- terminal: (\w+) -->\n([\s\S]*?)<!-- \/terminal -->/g)].map(
    ([, name, text]) => [page, name!, text!] as const,
  ),
);

it('README and the page of the command line have pictures', () => {
  expect(BLOCKS.map(([page, name]) => `${page} ${name}`)).toEqual(
    expect.arrayContaining(['README.md demo', 'docs/cli.md delivery', 'docs/cli.md stats', 'docs/cli.md tail']),
  );
});

describe.each(BLOCKS)('%s, %s', (_page, name, text) => {
  const [, command = ''] = /^```\n\$ ackspan (\w+)/.exec(text) ?? [];

  it('shows a command that exists, and has its SVG beside it', () => {
    expect(COMMANDS.map((each) => each.name)).toContain(command);
    expect(text.split('\n').length).toBeGreaterThan(5);
    expect(existsSync(resolve(ROOT, `docs/pictures/${name}.svg`))).toBe(true);
  });

  it.skipIf(!['stats', 'top', 'deliveries'].includes(command))('has the columns of today', async () => {
    const backend = await startWsBackend();
    const sidecar = await startSidecar({ upstream: backend.address });
    await openClient(sidecar.ws);
    tell(await backend.peer(0), event('e1'));
    await sidecar.reach({ confirmed: 1 });
    const { stdout } = await runCli([command, '--admin', sidecar.admin]);
    const headings = (lines: string) => lines.split('\n').filter((line) => /^[A-Z][A-Z0-9.() ]{10,}$/.test(line));
    const words = (line: string) => line.split(/ {2,}/);
    expect(headings(text)).not.toEqual([]);
    expect(headings(text).map(words)).toEqual(headings(stdout).map(words));
  });
});
