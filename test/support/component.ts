// Finds a real program for a test. A missing one is a loud skip on a laptop, and a failure when CI is set.
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/**
 * Path of a program, also in the `sbin` folders that an ordinary user's PATH lacks; undefined when
 * it is not installed.
 */
export function findProgram(name: string): string | undefined {
  for (const folder of [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin']) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // The program is not in this folder. The next one may have it.
    }
  }
  return undefined;
}

/** Whether Debian's Python can import a module. */
export function hasPythonModule(name: string): boolean {
  return spawnSync('/usr/bin/python3', ['-c', `import ${name}`]).status === 0;
}

/**
 * For `describe.skipIf(missing(...))`: true, printed aloud, when a program is not there. Throws
 * when CI is set (components.sh installs them).
 */
export function missing(...programs: string[]): boolean {
  const absent = programs.filter((name) =>
    name.startsWith('python:') ? !hasPythonModule(name.slice(7)) : findProgram(name) === undefined,
  );
  if (absent.length === 0) return false;
  const text = `not installed: ${absent.join(', ')} (test/support/components.sh says how)`;
  if (process.env.CI) throw new Error(text);
  console.warn(`SKIPPED, ${text}`);
  return true;
}
