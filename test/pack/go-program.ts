// Test support: a program that is written in Go: the installed one, or one that Go builds once and keeps.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../dashboards/collect.ts';
import { findProgram } from '../support/component.ts';

/** First build on two busy cores, downloads included; later ones find it in the cache. */
export const BUILD_TIMEOUT_MS = 15 * 60_000;

/** `module@version` of a command; its last path element is the program's name. */
export interface GoProgram {
  readonly name: string;
  readonly module: string;
}

export const KUSTOMIZE: GoProgram = { name: 'kustomize', module: 'sigs.k8s.io/kustomize/kustomize/v5@v5.7.1' };
export const HELM: GoProgram = { name: 'helm', module: 'helm.sh/helm/v3/cmd/helm@v3.19.0' };

/** True, said aloud, where the program is not installed and there is no Go to build it with. */
export function cannotBuild({ name }: GoProgram): boolean {
  if (findProgram(name) !== undefined || findProgram('go') !== undefined) return false;
  console.warn(`SKIPPED: neither ${name} nor Go to build it with is installed`);
  return true;
}

/**
 * Path of the program: from PATH, or built into `ACKSPAN_CACHE` (default `.cache`). Throws with
 * Go's words.
 */
export function programOf({ name, module }: GoProgram): string {
  const found = findProgram(name);
  if (found !== undefined) return found;
  const folder = join(process.env.ACKSPAN_CACHE ?? join(ROOT, '.cache'), 'programs', module.replaceAll(/[/@]/g, '-'));
  const binary = join(folder, name);
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  console.info(`Building ${module} for the tests: a few minutes, once.`);
  // At the lowest priority: other tests run at the same time. Not optimized: compiled faster, fast
  // enough.
  const go = ['-n', '19', findProgram('go')!, 'install', '-trimpath', '-gcflags', 'all=-N -l', module];
  execFileSync('nice', go, { env: { ...process.env, GOBIN: folder }, timeout: BUILD_TIMEOUT_MS });
  return binary;
}
