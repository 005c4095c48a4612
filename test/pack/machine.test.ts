// The files for a machine with systemd: systemd and nginx take them, and they agree with each other and with the sidecar.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { loadConfig } from '../../src/config/load.ts';
import { ROOT } from '../dashboards/collect.ts';
import { atEnd, closeAll } from '../support/backends.ts';
import { findProgram, missing } from '../support/component.ts';

const text = (name: string) => readFileSync(join(ROOT, 'deploy/systemd', name), 'utf8');
const UNIT = text('ackspan@.service');
const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(UNIT)![1]!;
const INSTANCES = ['main', 'canary'];

function settingsOf(instance: string) {
  const env = { ACKSPAN_STORE: /ACKSPAN_STORE=(\S+)/.exec(UNIT)![1]!.replace('%i', instance) };
  const file = { name: `${instance}.yaml`, text: text(`${instance}.yaml`) };
  return loadConfig({ env, file, defaults: DEFAULTS });
}

afterEach(closeAll);

test.each(INSTANCES)(
  '%s: file and unit make a configuration without a fault, with the store that systemd makes',
  (name) => {
    const { config, faults, warnings } = settingsOf(name);
    expect([...faults, ...warnings]).toEqual([]);
    expect(`file:/var/lib/${setting('StateDirectory').replace('%i', name)}`).toBe(`file:/var/lib/ackspan/${name}`);
    expect(Number(setting('TimeoutStopSec')) * 1_000).toBeGreaterThan(config!.shutdown.graceMs + 2_000);
    // Two descriptors a connection.
    expect(Number(setting('LimitNOFILE'))).toBeGreaterThan(2 * config!.limits.connections);
  },
);

test('a reload looks at the configuration before it sends the signal that reads it', () => {
  const commands = [...UNIT.matchAll(/^ExecReload=(.*)$/gm)].map(([, command]) => command!);
  const file = '/etc/ackspan/%i.yaml';
  expect(setting('ExecStart')).toContain(`ackspan run --config ${file}`);
  expect(commands).toEqual([
    setting('ExecStart').replace(/ run .*/, ` check --offline --config ${file}`),
    '/bin/kill -HUP $MAINPID',
  ]);
});

test('the instances share no port', () => {
  const ports = INSTANCES.map(settingsOf).flatMap(({ config }) => [config!.listen.port, config!.admin.listen!.port]);
  expect(new Set(ports).size).toBe(ports.length);
});

function noSystemd(): boolean {
  if (findProgram('systemd-analyze') !== undefined) return false;
  console.warn('SKIPPED: there is no systemd-analyze to ask about the unit');
  return true;
}

test.skipIf(noSystemd())('systemd takes the unit, and finds little that it could still be denied', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-unit-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  // systemd asks for the program itself.
  mkdirSync(join(folder, 'main/node_modules/.bin'), { recursive: true });
  symlinkSync(process.execPath, join(folder, 'main/node_modules/.bin/ackspan'));
  const unit = join(folder, 'ackspan@main.service');
  writeFileSync(unit, UNIT.replaceAll('/opt/ackspan', folder));
  const { status, stderr } = spawnSync('systemd-analyze', ['verify', unit], { encoding: 'utf8' });
  expect([status, stderr]).toEqual([0, '']);
  const judged = execFileSync('systemd-analyze', ['security', '--offline=true', '--threshold=20', unit], {
    encoding: 'utf8',
  });
  expect(judged).toMatch(/Overall exposure level.*OK/);
});

test.skipIf(missing('nginx'))('nginx takes its file, and knows both instances', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ackspan-nginx-'));
  atEnd(() => rmSync(folder, { recursive: true }));
  const site = text('nginx.conf');
  const main = `pid ${folder}/pid; error_log ${folder}/errors; events {} http { access_log off; include ${folder}/site.conf; }`;
  const tests = (given: string) => {
    writeFileSync(join(folder, 'site.conf'), given);
    writeFileSync(join(folder, 'nginx.conf'), main);
    return spawnSync(findProgram('nginx')!, ['-t', '-c', join(folder, 'nginx.conf')], { encoding: 'utf8' });
  };
  expect(tests(site)).toMatchObject({ status: 0 });
  // What the guide does with `sed` for a canary.
  const canary = site.replace('127.0.0.1:8180 down;', '127.0.0.1:8180 weight=1;');
  expect(canary).not.toBe(site);
  expect(tests(canary)).toMatchObject({ status: 0 });
  for (const { config } of INSTANCES.map(settingsOf))
    expect(site).toContain(`server 127.0.0.1:${config!.listen.port} `);
});
