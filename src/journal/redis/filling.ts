// journal: writes all deliveries of the clients without a session that Redis has to know, and removes what is over.
import type { Link } from './link.ts';
import type { RedisScribe } from './scribe.ts';
import { DO } from './scripts.ts';

export interface Filling {
  readonly link: Pick<Link, 'write' | 'read' | 'send'>;
  readonly journal: Pick<RedisScribe, 'others' | 'othersWritten'>;
  /** The hash of those deliveries. */
  readonly key: string;
  refused(error: Error): void;
}

/** Deliveries in one command. */
const SLICE = 200;

/** Sessions follow beat by beat, apart from this. Rejects where Redis does not answer. */
export async function fillOthers({ link, journal, key, refused }: Filling): Promise<void> {
  const put = (command: string, rows: readonly (readonly string[])[]): void => {
    for (let i = 0; i < rows.length; i += SLICE)
      link.write(DO, [key], [command, ...rows.slice(i, i + SLICE).flat()], (_, error) => {
        if (error !== undefined) refused(error);
      });
  };
  put('HSET', [...journal.others()]);
  journal.othersWritten();
  await link.read();
  // What has got its outcome meanwhile must not be found in flight.
  const known = new Set((await link.send('hkeys', [key])) as string[]);
  const still = journal.others();
  const over = [...known].filter((number) => !still.has(number));
  put(
    'HDEL',
    over.map((number) => [number]),
  );
  put(
    'HSET',
    [...still].filter(([number]) => !known.has(number)),
  );
}
