// config: keys and variables that mean nothing, with the ones that were probably meant.
import type { ConfigFault } from './fault.ts';
import { showGiven } from './fault.ts';
import type { ConfigFile } from './file.ts';
import type { Row } from './row.ts';
import { envName } from './row.ts';
import { TABLE } from './schema.ts';
import { nearest } from './suggest.ts';

const KEYS = (TABLE as readonly Row[]).map((row) => row.key);
/** Groups that may be written as one value. */
const SHORT = (TABLE as readonly Row[]).map((row) => row.short).filter((group) => group !== undefined);
const PREFIX = 'ACKSPAN_';
/** Variables that the command line reads beside those of the table. */
const OTHER_VARIABLES = ['ACKSPAN_CONFIG', 'ACKSPAN_STREAMS', 'ACKSPAN_ADMIN', 'ACKSPAN_ADMIN_TOKEN_FILE'];
// Kubernetes gives every pod such variables for each Service. A Service named `ackspan` must not
// look like a mistake.
const KUBERNETES = /_SERVICE_HOST$|_SERVICE_PORT(?:_\w+)?$|_PORT(?:_\d+_(?:TCP|UDP|SCTP)(?:_\w+)?)?$/;

/**
 * A fault for each key of the file that is not in the table, and for each group that is not a
 * mapping.
 */
export function unknownKeys(file: ConfigFile): ConfigFault[] {
  const faults: ConfigFault[] = [];
  const visit = (value: unknown, path: readonly string[]): void => {
    const prefix = path.map((step) => `${step}.`).join('');
    const children = new Set(
      KEYS.filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length).split('.')[0]!),
    );
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      // A scalar where a group belongs may be a secret that slipped a level up.
      const message = `${showGiven(value, typeof value === 'string')} is not allowed; write a mapping of ${[...children].join(', ')}`;
      faults.push({ key: path.join('.'), ...file.place(path), message });
      return;
    }
    for (const [name, child] of Object.entries(value)) {
      // Where anchors are kept, as in compose files.
      if (path.length === 0 && name.startsWith('x-')) continue;
      const key = prefix + name;
      if (KEYS.includes(key)) continue;
      if (children.has(name)) {
        if (SHORT.includes(key) && typeof child !== 'object') continue;
        if (child !== null && child !== '') visit(child, [...path, name]);
        continue;
      }
      faults.push({
        key,
        ...file.place([...path, name], true),
        message: `is not a key${meant(name, prefix, children)}`,
      });
    }
  };
  if (file.root !== undefined && file.root !== null) visit(file.root, []);
  return faults;
}

/** A warning for each `ACKSPAN_…` variable that is neither a key's nor referred to by the file. */
export function unknownVariables(
  env: Readonly<Record<string, string | undefined>>,
  used: ReadonlySet<string>,
): ConfigFault[] {
  const files = (TABLE as readonly Row[]).filter((row) => row.secret).map((row) => `${envName(row.key)}_FILE`);
  const also = (TABLE as readonly Row[]).map((row) => row.alsoEnv).filter((name) => name?.startsWith(PREFIX) === true);
  const known = [...KEYS.map(envName), ...files, ...(also as string[]), ...OTHER_VARIABLES];
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !known.includes(name) && !used.has(name) && !KUBERNETES.test(name))
    .map((name) => {
      const near = nearest(
        name.slice(PREFIX.length),
        known.map((each) => each.slice(PREFIX.length)),
      );
      const message = `this variable sets nothing${near === undefined ? '' : `; did you mean ${PREFIX}${near}?`}`;
      return { key: '', at: name, line: undefined, column: undefined, message };
    });
}

function meant(name: string, prefix: string, siblings: ReadonlySet<string>): string {
  const start = name.toLowerCase().slice(0, 4);
  const sibling = nearest(name, siblings) ?? [...siblings].find((each) => start.length === 4 && each.startsWith(start));
  if (sibling !== undefined) return `; did you mean ${prefix}${sibling}?`;
  const elsewhere =
    KEYS.find((key) => nearest(name, [key.split('.').at(-1)!]) !== undefined) ?? nearest(prefix + name, KEYS);
  if (elsewhere !== undefined) return `; did you mean ${elsewhere}?`;
  return `; allowed here: ${[...siblings].join(', ')}`;
}
