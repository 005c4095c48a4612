// Test support: an instance's connections to Redis, without the instance.
import { openClient } from '../../src/journal/redis/client.ts';
import type { Keys } from '../../src/journal/redis/keys.ts';
import { Link } from '../../src/journal/redis/link.ts';
import { SCRIPTS } from '../../src/journal/redis/scripts.ts';
import { atEnd } from './backends.ts';
import type { RedisServer } from './redis-server.ts';

/** A connection of the instance; it is there when Redis knows the scripts. */
export async function linkOf(redis: RedisServer, keys: Keys, instance: string): Promise<Link> {
  const place = {
    ...{ nodes: [{ host: '127.0.0.1', port: redis.port }], master: undefined, tls: false, ca: undefined },
    ...{ username: undefined, password: undefined, database: 0 },
  };
  return new Promise((resolve) => {
    const link: Link = new Link({
      ...{ redis: openClient(place, instance), writes: openClient(place, `${instance}, writes`) },
      ...{ keys, instance, limitBytes: 1 << 24, now: () => performance.now() },
      async opened() {
        await Promise.all(SCRIPTS.map(({ text }) => link.send('script', ['load', text])));
        await link.prepare();
        resolve(link);
      },
      doubtful() {},
      refused() {},
      closed() {},
      told() {},
      fault() {},
    });
    atEnd(() => link.end(100));
  });
}
