// cli: whether a Redis answers, takes what is written to it, and keeps what it has taken.
import { randomBytes } from 'node:crypto';
import { openClient, type RedisPlace } from '../../journal/redis/client.ts';
import { type Finding, finding } from './finding.ts';

/** How long all of it may take, ms. */
const ANSWER_MS = 10_000;

/** Asks it. Never rejects, and leaves nothing there. */
export async function checkRedis(place: RedisPlace): Promise<Finding[]> {
  const client = openClient(place, 'ackspan-check');
  // A connection that fails says why here; the call that waits for it only learns that it failed.
  let why: Error | undefined;
  client.on('error', (error) => {
    why ??= error;
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
  });
  const ask = async (): Promise<Finding[]> => {
    await client.connect();
    const key = `ackspan-check-${randomBytes(8).toString('hex')}`;
    await client.set(key, '1', 'PX', ANSWER_MS);
    await client.del(key);
    const answers = await client.call('CLIENT', 'REPLY', 'ON').then(() => undefined, refusal);
    return [...judgeRedis(await client.info()), ...judgeAnswers(answers)];
  };
  try {
    return await Promise.race([ask(), late]);
  } catch (error) {
    const { message } = why ?? (error as Error);
    return [finding('store', 'bad', `Redis does not take what is written to it: ${message}.`, adviceFor(message))];
  } finally {
    clearTimeout(timer);
    client.disconnect();
  }
}

function adviceFor(message: string): string {
  if (/^(?:WRONGPASS|NOAUTH|ERR invalid password)/.test(message)) return 'See user and password in store.at.';
  if (/^NOPERM/.test(message)) return 'Let the user of store.at read and write keys (ACL: +@all on its keys).';
  if (/^OOM/.test(message)) return 'Give Redis more memory (maxmemory).';
  if (/^READONLY/.test(message)) return 'Name the master, or its Sentinels: this is a replica.';
  if (/^(?:NOREPLICAS|MISCONF)/.test(message)) return 'See the log of Redis: it takes no writes as it stands.';
  return 'See whether its address, its network and its TLS are right.';
}

/** What it says of itself (`INFO`), judged. Pure. */
export function judgeRedis(info: string): Finding[] {
  const of = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1];
  const [policy, most, append, save] = ['maxmemory_policy', 'maxmemory', 'aof_enabled', 'rdb_last_save_time'].map(of);
  return [
    finding('store', 'good', 'Redis takes what is written to it.'),
    judgePolicy(policy, most),
    ...judgeDisk(append, save),
  ];
}

function refusal(error: Error): string {
  if (error.name !== 'ReplyError') throw error;
  return error.message;
}

function judgeAnswers(refused: string | undefined): Finding[] {
  if (refused === undefined) return [];
  return [
    finding(
      'store_answers',
      'note',
      `Redis does not let answers be turned off (CLIENT REPLY): ${refused}.`,
      'Allow client|reply: without it, an instance that is killed while Redis is behind may lose what it wrote last.',
    ),
  ];
}

function judgePolicy(policy: string | undefined, most: string | undefined): Finding {
  if (policy === undefined)
    return finding('store_policy', 'unknown', 'Redis does not say what it does when its memory is full.');
  if (policy === 'noeviction')
    return finding('store_policy', 'good', 'A full Redis refuses writes (noeviction) and keeps what it has.');
  const bounded = most !== undefined && most !== '0';
  return finding(
    'store_policy',
    bounded ? 'bad' : 'note',
    `Redis throws keys away when its memory is full (maxmemory-policy ${policy})${bounded ? '' : ', and has no bound yet'}.`,
    'Set maxmemory-policy noeviction: sessions and kept messages would go without a word.',
  );
}

function judgeDisk(append: string | undefined, save: string | undefined): Finding[] {
  if (append === undefined && save === undefined) return [];
  if (append === '1') return [finding('store_disk', 'good', 'Redis writes down what it takes (appendonly yes).')];
  return [
    finding(
      'store_disk',
      'note',
      'Redis does not write down each thing that it takes (appendonly no).',
      'With appendonly yes, or a replica, a restart of Redis costs nothing; without, sessions begin anew.',
    ),
  ];
}
