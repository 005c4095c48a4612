// Finds a real program for a test. A missing one is a loud skip on a laptop, and a failure when CI is set.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

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
 * The interpreter that has the products of products.sh; undefined when they are not installed as
 * listed.
 */
export function findProducts(): string | undefined {
  const home = fileURLToPath(new URL('../../.cache/products/', import.meta.url));
  const list = new URL('./python/products.txt', import.meta.url);
  try {
    // The copy is the last thing that products.sh writes.
    return readFileSync(`${home}products.txt`).equals(readFileSync(list)) ? `${home}bin/python3` : undefined;
  } catch {
    // Nothing was installed.
    return undefined;
  }
}

/**
 * For `describe.skipIf(missing(...))`: true, printed aloud, when a program is not there. Throws
 * when CI is set (`npm run test:setup` installs them). `python:NAME` is a module of Debian's
 * Python, `products` what products.sh installs.
 */
export function missing(...programs: string[]): boolean {
  const absent = programs.filter((name) => !isThere(name));
  if (absent.length === 0) return false;
  const text = `not installed: ${absent.join(', ')} (npm run test:setup)`;
  if (process.env.CI) throw new Error(text);
  console.warn(`SKIPPED, ${text}`);
  return true;
}

function isThere(name: string): boolean {
  if (name === 'products') return findProducts() !== undefined;
  return name.startsWith('python:') ? hasPythonModule(name.slice(7)) : findProgram(name) !== undefined;
}
