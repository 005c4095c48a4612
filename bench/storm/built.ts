// Storm: where the built program is, seen from the compiled bench and from its sources alike.
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** Absolute path of a file in `dist/`. Throws when it was not built. */
export function built(file: string): string {
  let dir = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(dir, 'package.json')) && dir !== path.dirname(dir)) dir = path.dirname(dir);
  const found = path.join(dir, 'dist', file);
  if (!existsSync(found)) throw new Error(`${found} is missing: run "npm run build" first`);
  return found;
}
