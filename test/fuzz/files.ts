// Fuzz: where inputs live: the corpus of each target, and what broke it once. One file an input, named by its contents.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Stored {
  readonly name: string;
  readonly bytes: Buffer;
}

/** `root` is the folder test/fuzz of the sources, also for compiled code. */
export function createFiles(root: string) {
  const folder = (kind: 'corpus' | 'crashes', target: string) => join(root, kind, target);
  return {
    read(kind: 'corpus' | 'crashes', target: string): Stored[] {
      try {
        const path = folder(kind, target);
        return readdirSync(path)
          .sort()
          .map((name) => ({ name, bytes: readFileSync(join(path, name)) }));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
        throw error;
      }
    },
    /** The path of the file. */
    write(kind: 'corpus' | 'crashes', target: string, input: Uint8Array, prefix = ''): string {
      const path = folder(kind, target);
      mkdirSync(path, { recursive: true });
      const file = join(path, prefix + createHash('sha256').update(input).digest('hex').slice(0, 16));
      writeFileSync(file, input);
      return file;
    },
    /** The corpus becomes exactly these inputs. */
    replace(target: string, inputs: readonly Uint8Array[]): void {
      rmSync(folder('corpus', target), { recursive: true, force: true });
      for (const input of inputs) this.write('corpus', target, input);
    },
  };
}
