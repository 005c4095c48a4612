// On what a run was measured: enough for a reader to tell whether his machine is comparable.
import os from 'node:os';
import { commitOf, versionOf } from './install.ts';

export interface Machine {
  readonly at: string;
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly nginx: string;
  readonly haproxy: string;
  readonly commit: string;
  /**
   * Load average over the last minute before and during the run: above the number of cores, others
   * were busy too.
   */
  readonly load1m: number;
}

export function describeMachine(): Machine {
  return {
    at: new Date().toISOString(),
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    memoryGiB: Math.round(os.totalmem() / 2 ** 30),
    kernel: `${os.type()} ${os.release()}`,
    node: process.version,
    nginx: versionOf('nginx', '-v'),
    haproxy: versionOf('haproxy', '-v'),
    commit: commitOf(process.cwd()),
    load1m: Number(os.loadavg()[0]!.toFixed(2)),
  };
}
