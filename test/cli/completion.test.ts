// Completion in real shells: commands, options, and the words that options take.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { runCli } from '../support/build.ts';
import { missing } from '../support/component.ts';

afterEach(closeAll);

async function scriptFor(shell: string): Promise<string> {
  const { code, stdout, stderr } = await runCli(['completion', shell]);
  expect([code, stderr]).toEqual([0, '']);
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-completion-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  const file = join(folder, `_ackspan.${shell}`);
  writeFileSync(file, stdout);
  return file;
}

function run(command: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

/** What is typed, and what must be among the answers. */
const TYPED: readonly [string, string[]][] = [
  ['del', ['deliveries', 'delivery']],
  ['', COMMANDS.map(({ name }) => name)],
  ['deliveries --st', ['--status']],
  ['deliveries --status ', ['pending', 'failed', 'timeout']],
  ['tail --priority critical,', ['critical,high', 'critical,low']],
  ['top --by ', ['user', 'type', 'session', 'priority']],
  ['connections --state ', ['open', 'closed', 'any']],
  ['completion ', ['bash', 'zsh', 'fish']],
  ['replay --dry', ['--dry-run']],
  ['mcp --allow', ['--allow-changes']],
  ['help st', ['stats']],
];

describe('bash', () => {
  it.each(TYPED)('ackspan %s', async (typed, expected) => {
    const file = await scriptFor('bash');
    const line = `ackspan ${typed}`;
    const words = line.split(' ').map((word) => `'${word}'`);
    const text = `source ${file}; COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; _ackspan; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const answers = run('bash', ['--norc', '-c', text]).trim().split('\n');
    expect(answers).toEqual(expect.arrayContaining(expected));
    const begun = line.split(' ').at(-1)!;
    for (const answer of answers) expect(answer.startsWith(begun)).toBe(true);
  });

  it('a value that may be anything is left to the user, and a file is a file', async () => {
    const file = await scriptFor('bash');
    const ask = (words: string) =>
      run('bash', [
        '--norc',
        '-c',
        `source ${file}; COMP_WORDS=(${words}); COMP_CWORD=3; _ackspan; printf '%s ' "\${COMPREPLY[@]}"`,
      ]).trim();
    expect(ask("ackspan deliveries --user ''")).toBe('');
    expect(ask('ackspan stats --token-file /etc/host')).toContain('/etc/hosts');
  });
});

describe.skipIf(missing('fish'))('fish', () => {
  it.each(TYPED)('ackspan %s', async (typed, expected) => {
    const file = await scriptFor('fish');
    const text = run('fish', ['--no-config', '-c', `source ${file}; complete -C 'ackspan ${typed}'`]);
    expect(text.split('\n').map((line) => line.split('\t')[0])).toEqual(expect.arrayContaining(expected));
  });
});

describe.skipIf(missing('zsh'))('zsh', () => {
  it('takes the script, and knows the command behind it', async () => {
    const file = await scriptFor('zsh');
    run('zsh', ['-f', '-n', file]);
    const text = `autoload -Uz compinit; compinit -D -u; source ${file}; print -r -- $_comps[ackspan]`;
    expect(run('zsh', ['-f', '-c', text]).trim()).toBe('_ackspan');
  });

  it('names every command and option with its description', async () => {
    const { stdout } = await runCli(['completion', 'zsh']);
    for (const { name, summary } of COMMANDS) expect(stdout).toContain(`'${name}:${summary.replaceAll("'", "'\\''")}'`);
    expect(stdout).toContain(
      "'--status[only pending, retrying, confirmed, failed, timeout, unverifiable]:words:_values -s , word pending",
    );
  });
});

it.each([[[]], [['tcsh']]])('completion %j is bad usage', async (args) => {
  const { code, stdout } = await runCli(['completion', ...args]);
  expect([code, stdout]).toEqual([2, '']);
});
