// Examples: starts one by the two commands of its README. Only the ports are the test's own.
import { readFileSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';
import { codeOf } from '../docs/pages.ts';
import { atEnd } from '../support/backends.ts';
import { builtCli } from '../support/build.ts';
import { type Child, eventually, startChild } from '../support/child.ts';
import { findProgram } from '../support/component.ts';
import { type SidecarProcess, watchSidecar } from '../support/sidecar-process.ts';

/**
 * Programs that a README calls by name. The interpreter is the one whose modules `components.sh`
 * installs.
 */
const PROGRAMS: Readonly<Record<string, string>> = { node: process.execPath, python3: '/usr/bin/python3' };
/** The addresses that READMEs give to backends and to the sidecar. */
const BACKEND = 'http://127.0.0.1:8000';
const SIDECAR = '127.0.0.1:8080';

export interface Example {
  readonly backend: Child;
  readonly sidecar: SidecarProcess;
}

/**
 * Starts the backend and the sidecar of `examples/NAME`; both end with the test. `env`: waits that
 * a busy machine needs longer.
 */
export async function startExample(name: string, env: Readonly<Record<string, string>> = {}): Promise<Example> {
  const [first = '', second = ''] = commandsOf(`examples/${name}/README.md`);
  const backend = start(first, { PORT: '0', PYTHONDONTWRITEBYTECODE: '1' });
  const address = await addressOf(backend);
  builtCli();
  expect(second).toContain(`--upstream ${BACKEND} --listen ${SIDECAR}`);
  const command = second.replace(BACKEND, address).replace(SIDECAR, '127.0.0.1:0');
  const sidecar = await watchSidecar(start(`${command} --admin 127.0.0.1:0`, env));
  return { backend, sidecar };
}

/** The two commands of a README's first block. */
export function commandsOf(path: string): string[] {
  const block = codeOf({ path, text: readFileSync(path, 'utf8') }).find(({ fence }) => fence === '');
  const commands = block?.text.split('\n') ?? [];
  expect(commands, `commands in ${path}`).toHaveLength(2);
  return commands;
}

/**
 * Opens the example's page through the sidecar, in a browser of its own. Errors of the page fail
 * the test at its end.
 */
export async function openPage({ sidecar }: Example): Promise<Page> {
  const browser = await launch();
  const page = await browser.newPage();
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  atEnd(() => expect(errors, 'errors of the page').toEqual([]));
  await page.goto(`${sidecar.http}/`);
  return page;
}

async function launch(): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: findProgram('chromium')!,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  });
  atEnd(() => browser.close());
  return browser;
}

function start(command: string, env: Readonly<Record<string, string>>): Child {
  const [program = '', ...args] = command.split(' ');
  const path = PROGRAMS[program];
  if (path === undefined) throw new Error(`a README calls ${program}, which the tests do not know`);
  return startChild(path, args, env);
}

/** Where a backend says that it listens, on whichever stream. */
function addressOf(backend: Child): Promise<string> {
  return eventually(() => {
    const said = `${backend.lines.map(({ text }) => String(text)).join('\n')}\n${backend.stderr()}`;
    const address = /http:\/\/127\.0\.0\.1:[1-9]\d*/.exec(said)?.[0];
    expect(address, `an address in: ${said}`).toBeDefined();
    return address!;
  });
}
