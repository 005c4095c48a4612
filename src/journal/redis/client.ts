// journal: the connection to Redis; a command is written to its socket in the call that sends it.
import { Redis, type RedisOptions } from 'ioredis';

/** Where Redis is, and how it is spoken to. */
export interface RedisPlace {
  readonly nodes: readonly { readonly host: string; readonly port: number }[];
  /** The master's name at Sentinels; undefined = the one node is Redis itself. */
  readonly master: string | undefined;
  readonly tls: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly database: number;
  /** Authorities to trust, PEM. Default: Node's. Read again for each connection. */
  readonly ca: string | undefined;
}

/** First and longest wait before a lost connection is tried again, ms. */
const [RETRY_MS, MAX_RETRY_MS] = [50, 2000];
/** How long a connection attempt may take, ms. */
const CONNECT_MS = 5000;

/**
 * Opens a connection in the background. Nothing is queued while there is none, nothing is sent
 * twice, and nothing is pipelined later: the caller decides what becomes of a command.
 *
 * The connection speaks RESP3 (Redis 6 and later): one that has subscribed can still send commands.
 */
export function openClient(place: RedisPlace, name: string): Redis {
  const { nodes, master, tls, username, password, database } = place;
  const secure = tls ? { tls: trustOf(place) } : {};
  const credentials = {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  };
  const options: RedisOptions & { replyMapping: 'legacy' } = {
    replyMapping: 'legacy',
    ...{ db: database, protocol: 3, connectionName: name, lazyConnect: true },
    ...{ enableOfflineQueue: false, enableAutoPipelining: false, autoResendUnfulfilledCommands: false },
    ...{ autoResubscribe: false, maxRetriesPerRequest: 0, connectTimeout: CONNECT_MS, disconnectTimeout: 500 },
    retryStrategy: (times) => Math.min(RETRY_MS * 2 ** Math.min(times, 10), MAX_RETRY_MS),
    // A replica that was the master before: the next connection finds the new one.
    reconnectOnError: ({ message }) => message.startsWith('READONLY'),
    ...credentials,
    ...secure,
  };
  if (master === undefined) return new Redis({ ...options, ...nodes[0] });
  return new Redis({
    ...options,
    ...{ sentinels: [...nodes], name: master, sentinelRetryStrategy: options.retryStrategy, failoverDetector: true },
    ...(password !== undefined && { sentinelPassword: password }),
    ...(username !== undefined && { sentinelUsername: username }),
    ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: trustOf(place) }),
  } as typeof options);
}

/** The client copies the options of TLS whenever it connects. */
function trustOf(place: RedisPlace): { ca?: string } {
  if (place.ca === undefined) return {};
  return {
    get ca() {
      return place.ca!;
    },
  };
}
