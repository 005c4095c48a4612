// Dev: `npm run dev` builds and restarts on change. It works on a copy, so nothing of the repository changes.
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { atEnd, closeAll } from '../support/backends.ts';
import { type Child, exitOf, type Line, startChild } from '../support/child.ts';

afterEach(closeAll);

/**
 * Compiling all of `src/` on a busy machine takes longer than anything else that a test waits for,
 * ms.
 */
const PATIENCE_MS = 240_000;

function copy(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-dev-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  for (const part of ['src', 'scripts', 'package.json', 'tsconfig.json']) {
    cpSync(part, join(folder, part), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** The command of `npm run dev`, in a copy, with a configuration file. */
function startDev(folder: string): Child {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as { scripts: { dev: string } };
  const [program, script] = scripts.dev.split(' ');
  expect([program, script]).toEqual(['node', 'scripts/dev.mjs']);
  const dev = startChild(process.execPath, [join(folder, script!), '--config=ackspan.yaml']);
  // Asked, it takes its compiler and its sidecar along; killed, it could not.
  atEnd(async () => {
    dev.signal('SIGTERM');
    await exitOf(dev);
  });
  return dev;
}

const started = ({ msg }: Line) => msg === 'ackspan starts';

it(
  'starts, starts anew for a changed source and a changed configuration, and stays as it was while a source has an error',
  async () => {
    const folder = copy();
    const config = join(folder, 'ackspan.yaml');
    const write = (service: string) =>
      writeFileSync(
        config,
        `upstream: http://127.0.0.1:9\nlisten: 127.0.0.1:0\nadmin: { listen: 127.0.0.1:0 }\nservice_name: ${service}\n`,
      );
    write('first');
    const dev = startDev(folder);
    /** The admin address of start number `n`, from 1. */
    const address = async (n: number): Promise<string> => {
      const listening = () => dev.lines.filter(({ msg }) => msg === 'listening');
      await dev.line(() => listening().length >= n, PATIENCE_MS);
      return String(listening()[n - 1]!.admin);
    };
    const health = async (at: string) => (await fetch(`${at}/health`)).text();
    expect(await health(await address(1))).toContain('first');

    write('second');
    expect(await health(await address(2))).toContain('second');

    const source = join(folder, 'src/cli/run.ts');
    const text = readFileSync(source, 'utf8');
    writeFileSync(source, `${text}\nconst wrong: number = 'text';\nvoid wrong;\n`);
    await dev.line((line) => /run\.ts.*error TS2322/.test(String(line.text)), PATIENCE_MS);
    await dev.line((line) => String(line.text).includes('stays as it was'), PATIENCE_MS);
    expect(dev.lines.filter(started)).toHaveLength(2);
    expect(await health(await address(2))).toContain('second');

    writeFileSync(source, text.replace("'ackspan starts'", "'ackspan starts, changed'"));
    await dev.line(({ msg }) => msg === 'ackspan starts, changed', PATIENCE_MS);
    await address(3);

    dev.signal('SIGINT');
    expect(await exitOf(dev)).toEqual({ code: 0, signal: null });
    expect(dev.stderr()).toBe('');
    expect(dev.lines.filter(({ level }) => level === 'fatal')).toEqual([]);
  },
  2 * PATIENCE_MS,
);
