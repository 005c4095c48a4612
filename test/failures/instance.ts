// failures: one place where a sidecar runs: its ports, its configuration, and the process that has them at the moment.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Life, startLife } from '../kills/process.ts';
import { freePort } from '../support/free-port.ts';

export interface Instance {
  readonly port: number;
  /** Starts a process; resolves when it accepts connections. */
  start(): Promise<void>;
  kill(): Promise<void>;
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>;
  pending(): Promise<number>;
  /** Whether everything that must outlive the process is in its store. */
  whole(): Promise<boolean>;
  /** What the process calls the time, ms. */
  clock(): Promise<number>;
  /** Faults that the processes told of. */
  readonly faults: string[];
}

/** `folder`: for its configuration file. `name`: unique in that folder. */
export async function createInstance(
  cli: string,
  folder: string,
  name: string,
  config: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>>,
): Promise<Instance> {
  const [port, admin] = [await freePort(), await freePort()];
  const file = join(folder, `${name}.yaml`);
  // JSON is YAML.
  writeFileSync(
    file,
    JSON.stringify({ ...config, listen: `127.0.0.1:${port}`, admin: { listen: `127.0.0.1:${admin}` } }),
  );
  const faults: string[] = [];
  let life: Life | undefined;
  const end = (): void => void faults.push(...(life?.faults ?? []));
  return {
    port,
    faults,
    start() {
      life = startLife(cli, file, env);
      return life.listening;
    },
    async kill() {
      await life?.kill();
      end();
      life = undefined;
    },
    async stop() {
      const code = await life!.stop();
      end();
      life = undefined;
      return code;
    },
    async pending() {
      const response = await fetch(`http://127.0.0.1:${admin}/api/v1/stats`);
      return ((await response.json()) as { pending: number }).pending;
    },
    async clock() {
      const { headers } = await fetch(`http://127.0.0.1:${admin}/readyz`);
      return Date.parse(headers.get('date')!);
    },
    async whole() {
      const response = await fetch(`http://127.0.0.1:${admin}/readyz`);
      return ((await response.json()) as { status?: string }).status !== 'degraded';
    },
  };
}
