// config: where what outlives the process is kept.
import { isAbsolute, normalize } from 'node:path';
import { type Kind, scalar } from './kinds.ts';

/** A Redis, or the Sentinels that know where it is. */
export interface RedisAddress {
  readonly kind: 'redis';
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** The name by which Sentinels know the master; undefined = the one node is the Redis itself. */
  readonly master: string | undefined;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
}

/**
 * `memory`: nothing outlives the process. `file`: a directory of this machine. `redis`: shared by
 * several instances.
 */
export type StoreAddress =
  | { readonly kind: 'memory' }
  | { readonly kind: 'file'; readonly directory: string }
  | RedisAddress;

/** A relative directory would depend on where the process was started. */
export const storeAddress: Kind<StoreAddress> = scalar(
  '`memory`, `file:` with an absolute directory such as file:/var/lib/ackspan, redis://host:6379/0 (rediss:// for TLS), or redis+sentinel://host:26379,host:26379/name',
  (given) => {
    if (given === 'memory') return { kind: 'memory' };
    if (typeof given !== 'string') return undefined;
    return given.startsWith('file:') ? readDirectory(given) : readRedis(given);
  },
);

function readDirectory(given: string): StoreAddress | undefined {
  const path = /^file:(?:\/\/)?(\/[^\0]*)$/.exec(given)?.[1];
  if (path === undefined || !isAbsolute(path)) return undefined;
  const directory = normalize(path).replace(/\/+$/, '');
  return directory === '' ? undefined : { kind: 'file', directory };
}

const REDIS = /^redis(s?)(\+sentinel)?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?([^/?#@]+)(?:\/([^?#]*))?$/;

/**
 * The forms that the clients of Redis agree on; a user or a password in them is percent-encoded.
 */
function readRedis(given: string): RedisAddress | undefined {
  const found = REDIS.exec(given);
  if (found === null) return undefined;
  const [, tls, sentinel, user = '', secret, hosts = '', path = ''] = found;
  const nodes = hosts.split(',').map((host) => readNode(host, sentinel === undefined ? 6379 : 26379));
  const parts = path === '' ? [] : path.split('/');
  const master = sentinel === undefined ? undefined : parts.shift();
  const [database = '0', more] = parts;
  if (more !== undefined || !/^\d{1,4}$/.test(database)) return undefined;
  if (sentinel === undefined ? nodes.length !== 1 : master === undefined || master === '') return undefined;
  const [username, password] = [readText(user), readText(secret ?? '')];
  if (username === undefined || password === undefined || nodes.includes(undefined)) return undefined;
  return {
    ...{ kind: 'redis', master, tls: tls === 's', database: Number(database) },
    nodes: nodes.filter((node) => node !== undefined),
    username: username === '' ? undefined : username,
    password: password === '' ? undefined : password,
  };
}

function readNode(text: string, port: number): RedisAddress['nodes'][number] | undefined {
  const found = /^(?:\[([\da-fA-F:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/.exec(text);
  const [, v6, name, given] = found ?? [];
  const host = v6 ?? name;
  const number = given === undefined ? port : Number(given);
  return host === undefined || number < 1 || number > 65_535 ? undefined : { host, port: number };
}

function readText(encoded: string): string | undefined {
  try {
    return decodeURIComponent(encoded);
  } catch {
    // A `%` that encodes nothing: the whole address is refused.
    return undefined;
  }
}
