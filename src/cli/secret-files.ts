// cli: secrets out of files: ACKSPAN_ADMIN_TOKEN_FILE names the file that holds ACKSPAN_ADMIN_TOKEN.
import { readFileSync } from 'node:fs';
import type { ConfigFault } from '../config/fault.ts';
import type { Row } from '../config/row.ts';
import { envName } from '../config/row.ts';
import { TABLE } from '../config/schema.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * The environment with what the files hold; a variable that is set itself wins. A file that cannot
 * be read is a fault.
 */
export function withSecretFiles(env: Env): { readonly env: Env; readonly faults: readonly ConfigFault[] } {
  const found: Record<string, string> = {};
  const faults: ConfigFault[] = [];
  for (const row of (TABLE as readonly Row[]).filter(({ secret }) => secret)) {
    const name = envName(row.key);
    const file = env[`${name}_FILE`];
    if (file === undefined || file === '' || (env[name] ?? '') !== '') continue;
    const text = readSecret(file);
    if ('reason' in text) {
      const message = `${file} cannot be read: ${text.reason}`;
      faults.push({ key: row.key, at: `${name}_FILE`, line: undefined, column: undefined, message });
    } else found[name] = text.text;
  }
  return { env: { ...env, ...found }, faults };
}

/** Without the line break that editors and `echo` leave at the end. */
function readSecret(file: string): { readonly text: string } | { readonly reason: string } {
  try {
    return { text: readFileSync(file, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { reason: code === 'ENOENT' ? 'there is no such file' : String(code) };
  }
}
