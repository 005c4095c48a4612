// Test support: a path to a Redis that can refuse commands without running them, as one that is busy or loads its data does.
import { connect, createServer } from 'node:net';
import { atEnd, listenOn } from './backends.ts';

export interface RefusingRedis {
  readonly port: number;
  /** What is said to a command in place of running it; undefined = it is run. */
  refuse(command: readonly string[]): string | undefined;
  /** Commands that were refused. */
  readonly refused: number;
}

/** Redis itself says it, in the order of its answers, and to nobody whose answers are off. */
const SAY = 'return redis.error_reply(ARGV[1])';

export async function startRefusing(port: number): Promise<RefusingRedis> {
  const path = { port: 0, refused: 0, refuse: (): string | undefined => undefined };
  const server = createServer((near) => {
    const far = connect(port, '127.0.0.1');
    let rest = Buffer.alloc(0);
    near.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (let size = sizeOf(rest); size > 0; size = sizeOf(rest)) {
        const bytes = rest.subarray(0, size);
        rest = rest.subarray(size);
        const refusal = (path as RefusingRedis).refuse(wordsOf(bytes));
        if (refusal !== undefined) path.refused++;
        far.write(refusal === undefined ? bytes : commandOf(['EVAL', SAY, '0', refusal]));
      }
    });
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('error', () => {}).on('close', () => other.destroy());
    far.pipe(near);
    atEnd(() => near.destroy());
  });
  path.port = await listenOn(server);
  return path;
}

function commandOf(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

/** Bytes of the first command; 0 = it is not there yet. */
function sizeOf(bytes: Buffer): number {
  let at = bytes.indexOf('\r\n') + 2;
  if (at < 2) return 0;
  for (let left = Number(bytes.toString('latin1', 1, at - 2)); left > 0; left--) {
    const end = bytes.indexOf('\r\n', at);
    if (end < 0) return 0;
    at = end + 2 + Number(bytes.toString('latin1', at + 1, end)) + 2;
  }
  return at <= bytes.length ? at : 0;
}

/** The words of a command, as far as they are short. */
function wordsOf(bytes: Buffer): string[] {
  return bytes
    .toString('latin1')
    .split('\r\n')
    .filter((_, i) => i > 0 && i % 2 === 0);
}
