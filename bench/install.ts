// Makes sure that the peers are there: installs nginx and HAProxy on Debian when root, else says what to install.
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import type { Peer } from './peers/peer.ts';

/** Debian keeps servers in sbin, which a plain user's PATH lacks. */
export function addSbinToPath(): void {
  process.env.PATH = `${process.env.PATH}${path.delimiter}/usr/sbin${path.delimiter}/usr/local/sbin`;
}

/**
 * Why a peer cannot take part, or undefined when it can. Tries to install it first where that is
 * possible.
 */
export function missing(peer: Peer, say: (line: string) => void): string | undefined {
  if (peer.needs === undefined || present(peer.needs.program)) return undefined;
  const { program, debian } = peer.needs;
  if (debian === '') return `${path.basename(program)} is not built: npm run build`;
  if (process.getuid?.() === 0 && fs.existsSync('/etc/debian_version')) {
    say(`installing ${debian}`);
    const options = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
    // A failed update may still leave a usable package list; the install says.
    spawnSync('apt-get', ['update', '-q'], options);
    spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', debian], options);
    if (present(program)) return undefined;
  }
  return `${program} is not installed: apt-get install ${debian}`;
}

function present(program: string): boolean {
  if (path.isAbsolute(program)) return fs.existsSync(program);
  return spawnSync('which', [program], { stdio: 'ignore' }).status === 0;
}

/** First line of what a program says about its version, for the record of a run. */
export function versionOf(program: string, flag: string): string {
  try {
    const { stdout, stderr } = spawnSync(program, [flag], { encoding: 'utf8' });
    return `${stdout}${stderr}`.split('\n', 1)[0]!.trim();
  } catch {
    // Only a label in the report.
    return 'unknown';
  }
}

/** The commit that was measured, with a mark when files differ from it. */
export function commitOf(folder: string): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : ' + changes'}`;
  } catch {
    // A copy without git history can still be measured.
    return 'unknown';
  }
}
