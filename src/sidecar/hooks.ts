// sidecar: hooks joined with the configuration: built where it names an address for them.
import type { Config } from '../config/config.ts';
import type { Report } from '../delivery/ports.ts';
import { createHooks, type Hooks } from '../hooks/hooks.ts';
import { type HookUpstream, resolveTarget } from '../hooks/target.ts';
import { now, wallOf } from '../time/clock.ts';
import { VERSION } from '../version.ts';

/**
 * The hooks of a sidecar in front of `upstream`; undefined without `hooks.url`. Nothing is sent
 * before a notice is raised.
 */
export function openHooks({ hooks, serviceName }: Config, upstream: HookUpstream, report: Report): Hooks | undefined {
  const { url, secrets, events: kinds, payload, timeoutMs, tries, queue, concurrency } = hooks;
  if (url === undefined) return undefined;
  return createHooks({
    target: resolveTarget(url, upstream),
    secrets,
    kinds,
    // The source is a URI reference (CloudEvents), so names are written as RFC 8141 has them.
    source: `urn:ackspan:${encodeURIComponent(serviceName)}`,
    userAgent: `ackspan/${VERSION}`,
    payload,
    limits: { timeoutMs, tries, queue, concurrency },
    now,
    wallOf,
    random: Math.random,
    report,
  });
}
