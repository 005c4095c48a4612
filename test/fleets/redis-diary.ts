// fleets: what instances tell Redis and each other of sessions, listened to as it happens.
import type { Redis } from 'ioredis';
import { BEAT, CLAIM, DISOWN, END, PUT, RELEASE, type Script, WRITE } from '../../src/journal/redis/scripts.ts';
import type { Diary } from './diary.ts';

/** The parts of ioredis' monitor that are used. */
interface Monitor {
  on(event: 'monitor', listener: (time: string, args: readonly string[], source: string) => void): unknown;
  on(event: 'error', listener: () => void): unknown;
  disconnect(): void;
}

const SCRIPTS: Readonly<Record<string, Script>> = { BEAT, CLAIM, DISOWN, END, PUT, RELEASE, WRITE };
const NAMES = new Map(Object.entries(SCRIPTS).map(([name, { sha }]) => [sha, name]));
const KEY = /:session:\{([^}]+)\}/;
/** Characters of an argument that are shown. */
const SHOWN = 60;

/** `byPid`: names of the instances by their process. Resolves with a function that ends it. */
export async function listenToRedis(
  client: Redis,
  byPid: () => ReadonlyMap<number, string>,
  diary: Diary,
): Promise<() => void> {
  const monitor = (await client.monitor()) as unknown as Monitor;
  const names = new Map<string, string>();
  /** Instances are called by their letters wherever they stand. */
  const plain = (text: string): string => {
    let out = text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
    for (const [id, name] of names) out = out.replaceAll(id, name);
    return out;
  };
  monitor.on('monitor', (time, [command = '', ...args], source) => {
    if (source === 'lua') return;
    const at = Number(time) * 1000;
    if (command.toLowerCase() === 'publish') {
      const [channel = '', text = ''] = args;
      const session = /"session":"([^"]+)"/.exec(text)?.[1];
      if (session === undefined) return;
      let notice = text;
      for (const [id, name] of names) notice = notice.replaceAll(id, name);
      diary.note(session, 'redis', `${plain(channel)} is told ${notice}`, at);
      return;
    }
    if (command.toLowerCase() !== 'evalsha') return;
    const [sha = '', count = '0', ...rest] = args;
    const name = NAMES.get(sha);
    const own = rest.slice(Number(count));
    if (name === 'BEAT') {
      const pid = /"pid":(\d+)/.exec(own[1] ?? '')?.[1];
      const letter = byPid().get(Number(pid));
      if (letter !== undefined) names.set(own[0]!, letter);
    }
    const session = KEY.exec(rest[0] ?? '')?.[1];
    if (name === undefined || session === undefined) return;
    diary.note(session, 'redis', `${name} ${own.map(plain).join(' ')}`, at);
  });
  // Redis ends with the trial.
  monitor.on('error', () => {});
  return () => monitor.disconnect();
}
