// Dev: what `npm test` installs is said first, and nothing is installed against the developer's will. All programs here are stand-ins.
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { atEnd, closeAll } from '../support/backends.ts';

afterEach(closeAll);

/**
 * Runs the script on a machine that has none of the programs, for this user; answers what it said
 * and what `apt-get` was told.
 */
function run(user: number, env: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-components-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  const script = (name: string, body: string) => {
    writeFileSync(join(folder, name), `#!/bin/bash\n${body}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  const calls = join(folder, 'calls');
  script('id', `echo ${user}`);
  script('apt-get', `echo "$@" >>${calls}; [ -e ${join(folder, 'policy')} ] && echo "policy" >>${calls}; exit 0`);
  for (const name of ['chmod', 'rm', 'tail']) symlinkSync(`/bin/${name}`, join(folder, name));
  const { status, stderr } = spawnSync('/bin/bash', ['test/support/components.sh'], {
    encoding: 'utf8',
    env: { PATH: folder, TMPDIR: folder, ACKSPAN_TEST_POLICY: join(folder, 'policy'), ...env },
  });
  const told = existsSync(calls) ? readFileSync(calls, 'utf8').trim().split('\n') : [];
  return { status, stderr, told, policyLeft: existsSync(join(folder, 'policy')) };
}

it('root on Debian: says what it installs, installs exactly that, and leaves no policy behind', () => {
  const { status, stderr, told, policyLeft } = run(0);
  expect(status).toBe(0);
  const said = /now installs, with apt-get, what some tests talk to: (.*)/.exec(stderr)?.[1]?.split(' ') ?? [];
  expect(said).toEqual(expect.arrayContaining(['chromium', 'prometheus', 'faketime']));
  expect(new Set(said).size).toBe(said.length);
  expect(told).toEqual([
    'update -qq',
    'policy',
    `install -y -qq --no-install-recommends ${said.join(' ')}`,
    // While it installs, Debian may not start what it has installed.
    'policy',
  ]);
  expect(policyLeft).toBe(false);
});

it('root who wants nothing installed, and anybody else: is told the command, and nothing is installed', () => {
  for (const { status, stderr, told } of [run(0, { ACKSPAN_TEST_INSTALL: 'no' }), run(1000)]) {
    expect([status, told]).toEqual([0, []]);
    expect(stderr).toMatch(/sudo apt-get install --no-install-recommends .*chromium/);
    expect(stderr).toContain('skipped, loudly');
  }
});

it('in CI a missing program is a failure', () => {
  expect(run(1000, { CI: 'true' }).status).toBe(1);
});

describe('the products in Python', () => {
  /**
   * Runs the script with a stand-in for Python that makes an environment whose `pip` ends with that
   * code.
   */
  function install(pip: number, env: Readonly<Record<string, string>> = {}) {
    const folder = mkdtempSync(join(tmpdir(), 'ackspan-products-'));
    atEnd(() => rmSync(folder, { recursive: true }));
    const [home, python] = [join(folder, 'home'), join(folder, 'python3')];
    const made = `mkdir -p "$3/bin" && printf '#!/bin/bash\necho "$@" >>${folder}/calls\nexit ${pip}\n' >"$3/bin/pip"`;
    writeFileSync(python, `#!/bin/bash\n${made} && chmod +x "$3/bin/pip"\n`);
    chmodSync(python, 0o755);
    const again = () => {
      const { status, stderr } = spawnSync('/bin/bash', ['test/support/products.sh'], {
        encoding: 'utf8',
        env: {
          PATH: '/usr/bin:/bin',
          ...{ TMPDIR: folder, ACKSPAN_TEST_PYTHON: python, ACKSPAN_TEST_PRODUCTS: home },
          ...env,
        },
      });
      const calls = existsSync(join(folder, 'calls'))
        ? readFileSync(join(folder, 'calls'), 'utf8').trim().split('\n')
        : [];
      return {
        status,
        stderr,
        calls: calls.length,
        whole: existsSync(join(home, 'products.txt')),
        begun: existsSync(home),
      };
    };
    return again;
  }

  it('are installed once', () => {
    const again = install(0);
    expect(again()).toMatchObject({ status: 0, calls: 1, whole: true });
    expect(again()).toEqual({ status: 0, stderr: '', calls: 1, whole: true, begun: true });
  });

  it('that could not be installed are tried again, and skipped loudly; in CI that is a failure', () => {
    const again = install(1);
    expect(again()).toMatchObject({ status: 0, calls: 1, whole: false });
    expect(again()).toMatchObject({
      status: 0,
      calls: 2,
      whole: false,
      stderr: expect.stringContaining('skipped, loudly'),
    });
    expect(install(1, { CI: 'true' })()).toMatchObject({ status: 1, whole: false });
  });

  it('are not installed against the developer’s will', () => {
    expect(install(0, { ACKSPAN_TEST_INSTALL: 'no' })()).toMatchObject({ status: 0, calls: 0, begun: false });
  });
});
