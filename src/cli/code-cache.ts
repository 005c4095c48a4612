// cli: runs a bundle, and takes its compiled code from the cache that the build left for this very Node.
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Script } from 'node:vm';

/** A bundle in memory. */
export interface Bundle {
  /** What it exports. */
  readonly exports: Readonly<Record<string, unknown>>;
  /** Whether V8 took the code from the cache. */
  readonly cached: boolean;
  /**
   * Writes the cache: the code of everything that has run so far. Throws when the file cannot be
   * written.
   */
  keep(): void;
}

type Main = (require: (name: string) => unknown, module: { exports: object }, exports: object, here: string) => void;

/**
 * Runs the bundle in `file`, an expression of a function with CommonJS's parameters and the
 * bundle's own address. A cache that is missing, older than the bundle, or of another Node, machine
 * or set of V8's flags changes nothing but the time that it takes.
 */
export function openBundle(file: URL): Bundle {
  const path = fileURLToPath(file);
  // Bundles are ASCII: one byte a character in memory, too.
  const code = readFileSync(path, 'latin1');
  const cache = `${path}.${process.version}-${process.platform}-${process.arch}.cache`;
  const cachedData = readCache(cache, path);
  const script = new Script(code, {
    filename: path,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const module = { exports: {} };
  (script.runInThisContext() as Main)(builtin, module, module.exports, file.href);
  return {
    exports: module.exports,
    cached: script.cachedDataRejected === false,
    keep() {
      // A reader sees a whole file or none.
      writeFileSync(`${cache}.new`, script.createCachedData());
      renameSync(`${cache}.new`, cache);
    },
  };
}

/**
 * V8 recognises its version and flags, and the length of the code. A bundle that was changed by
 * hand may have the same length.
 */
function readCache(cache: string, path: string): Buffer | undefined {
  try {
    return statSync(cache).mtimeMs < statSync(path).mtimeMs ? undefined : readFileSync(cache);
  } catch {
    // Silence is right: a package from the registry has no cache, because it does not know on which
    // Node it runs.
    return undefined;
  }
}

/**
 * A module of Node. Everything else is in the bundle; what is not there either (`bufferutil`) does
 * without on this error.
 */
function builtin(name: string): unknown {
  const found = process.getBuiltinModule(name);
  if (found === undefined) throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' });
  return found;
}
