// sidecar: the far end of `ackspan check --through`, where the operator has opened it (`check.path`).
import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import type { Report } from '../delivery/ports.ts';
import { createFarEnd, type FarEnd } from '../front/far-end.ts';
import { wall } from '../time/clock.ts';
import { VERSION } from '../version.ts';
import type { LastingStore } from './store.ts';

/** Descriptors that are open beside the sockets of clients. */
const OTHERS = 64;

/** Undefined = it is closed. */
export function openFarEnd(config: Config, lasting: LastingStore | undefined, report: Report): FarEnd | undefined {
  const { path } = config.check;
  const { token } = config.admin;
  if (path === undefined || token === undefined) return undefined;
  return createFarEnd({
    ...{ path, token, version: VERSION, wall, report },
    facts: () => ({
      store: { kind: config.store.at.kind, degraded: lasting?.engine.degraded ?? null },
      // Each client needs two: its own, and one to the upstream.
      descriptors: { allowed: allowedDescriptors(), needed: 2 * config.limits.connections + OTHERS },
    }),
  });
}

/** The soft limit of this process; null where the system does not say. */
function allowedDescriptors(): number | null {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'));
    return found === null ? null : Number(found[1]);
  } catch {
    // Only Linux has this file.
    return null;
  }
}
