// fleets: one instance: its process, which stands still again and again, and all that it tells of sessions.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Life, startLife } from '../kills/process.ts';
import type { Chance } from '../support/chance.ts';
import { freePort } from '../support/free-port.ts';
import { type Diary, EVERYBODY } from './diary.ts';
import type { Target } from './path.ts';

/** A step that the probe wrote down, with the members of its channel. */
export type Step = { readonly step: string; readonly wall: number } & Readonly<Record<string, unknown>>;

export interface FleetInstance extends Target {
  readonly life: Life;
  /** How often it stood still. */
  readonly stops: number;
  /** Lets it run and stand still in turn, until `rest`. */
  unsettle(chance: Chance, leaseMs: number): void;
  rest(): void;
  /** Deliveries in flight, and sessions that wait for their clients. */
  left(): Promise<number>;
  steps(): Step[];
}

const PROBE = resolve('test/fleets/probe.mjs');

export async function startInstance(
  name: string,
  cli: string,
  folder: string,
  config: Readonly<Record<string, unknown>>,
  env: Readonly<Record<string, string>>,
  diary: Diary,
): Promise<FleetInstance> {
  const [port, admin] = [await freePort(), await freePort()];
  const [file, steps] = [join(folder, `${name}.yaml`), join(folder, `${name}.steps`)];
  const addresses = { listen: `127.0.0.1:${port}`, admin: { listen: `127.0.0.1:${admin}` } };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ ...config, ...addresses }));
  const life = startLife(
    cli,
    file,
    { ...env, OTEL_RESOURCE_ATTRIBUTES: `fleet=${name}`, NODE_OPTIONS: `--import ${PROBE}`, FLEET_STEPS: steps },
    (line) => {
      if (/"level":"(warn|error|fatal)"/.test(line)) diary.note(EVERYBODY, name, line.slice(0, 300));
    },
  );
  let [stops, resting] = [0, true];
  let timer: NodeJS.Timeout | undefined;
  const stop = (chance: Chance, leaseMs: number): void => {
    timer = setTimeout(
      () => {
        stops++;
        life.signal('SIGSTOP');
        diary.note(EVERYBODY, name, 'stands still');
        timer = setTimeout(
          () => {
            wake();
            if (!resting) stop(chance, leaseMs);
          },
          chance.between(leaseMs * 0.7, leaseMs * 1.5),
        );
      },
      chance.between(leaseMs * 0.5, leaseMs * 4),
    );
  };
  const wake = (): void => {
    diary.note(EVERYBODY, name, 'goes on');
    life.signal('SIGCONT');
  };
  await life.listening;
  return {
    ...{ name, port, life },
    get stops() {
      return stops;
    },
    unsettle(chance, leaseMs) {
      resting = false;
      stop(chance, leaseMs);
    },
    rest() {
      if (resting) return;
      resting = true;
      clearTimeout(timer);
      wake();
    },
    async left() {
      const response = await fetch(`http://127.0.0.1:${admin}/metrics`);
      const text = await response.text();
      const value = (metric: string): number =>
        [...text.matchAll(new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\d+)`, 'gm'))].reduce(
          (sum, [, n]) => sum + Number(n),
          0,
        );
      return value('ackspan_delivery_pending') + value('ackspan_session_waiting');
    },
    steps() {
      if (!existsSync(steps)) return [];
      const lines = readFileSync(steps, 'utf8').split('\n');
      return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Step);
    },
  };
}
