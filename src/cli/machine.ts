// cli: what this machine will not give the configuration: ports that are taken, too few open files, too little memory.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Config } from '../config/config.ts';
import { readMemoryLimit } from '../sidecar/memory-limit.ts';

const MiB = 1 << 20;
/** Files that are open beside the sockets. */
const OTHER_FILES = 64;

/** One sentence for each thing that `run` would meet here. */
export async function machineWarnings(config: Config): Promise<string[]> {
  const { listen, admin } = config;
  const ports = [['listen', listen], ...(admin.listen === undefined ? [] : [['admin.listen', admin.listen]])] as const;
  const taken = await Promise.all(
    ports.map(([key, address]) => portWarning(key as string, address as Config['listen'])),
  );
  return [...taken.flat(), ...filesWarning(config, readFileLimit()), ...memoryWarning(config, readMemoryLimit())];
}

/**
 * Why an address cannot be listened on, from an error of `listen`; undefined where it is another
 * error.
 */
export function listenFault(error: unknown): string | undefined {
  const { code, syscall, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (syscall !== 'listen') return undefined;
  const where = port === undefined ? (address ?? '') : `${address ?? ''}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return `${where} is taken by another process: stop it, or write another port`;
    case 'EACCES':
      return `${where} needs more rights than this process has: write a port from 1024 on`;
    case 'EADDRNOTAVAIL':
      return `${where} is no address of this machine: write 127.0.0.1, 0.0.0.0 or one that it has`;
    default:
      return `${where} cannot be listened on (${code})`;
  }
}

async function portWarning(key: string, { host, port }: Config['listen']): Promise<string[]> {
  if (port === 0) return [];
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, host, resolve));
    return [];
  } catch (error) {
    return [`${key}: ${listenFault(error) ?? String(error)}.`];
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
}

/** Each client needs two descriptors: its own, and one to the upstream. */
export function filesWarning({ limits }: Pick<Config, 'limits'>, allowed: number | undefined): string[] {
  const wanted = 2 * limits.connections + OTHER_FILES;
  if (allowed === undefined || allowed >= wanted) return [];
  const room = Math.max(0, Math.floor((allowed - OTHER_FILES) / 2));
  return [
    `ulimit -n is ${allowed}: enough for ${room} connections, and limits.connections is ${limits.connections}, which needs ${wanted}.`,
  ];
}

/** What may be kept of messages, against what the process may have. */
export function memoryWarning({ limits }: Pick<Config, 'limits'>, machine: number): string[] {
  const allowed = limits.memory === 0 ? machine : machine * limits.memory;
  const kept = limits.retainedBytes + limits.inFlightBytes;
  if (kept <= allowed / 2) return [];
  const shown = (bytes: number) => `${Math.round(bytes / MiB)} MiB`;
  return [
    `limits.retained_bytes and limits.in_flight_bytes let ${shown(kept)} be kept, more than half of the ${shown(allowed)} that the process may have.`,
  ];
}

function readFileLimit(): number | undefined {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return found === null ? undefined : Number(found[1]);
  } catch {
    // Only Linux has this file; elsewhere nothing is known, and nothing is said.
    return undefined;
  }
}
