// Says who sends the telemetry, from the environment alone: no network, no file is asked.
import { randomUUID } from 'node:crypto';
import {
  type DetectedResourceAttributes,
  defaultResource,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import type { Env } from './otel-env.ts';

/** What the sidecar knows about itself. */
export interface Identity {
  /** Used unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES names the service. */
  readonly serviceName: string;
  readonly version: string;
}

/** `service.*`, the SDK's own `telemetry.sdk.*`, Cloud Run's `faas.*` where K_SERVICE says so, and OTEL_RESOURCE_ATTRIBUTES, which wins. */
export function createResource(identity: Identity, env: Env): Resource {
  const attributes: DetectedResourceAttributes = {
    'service.name': identity.serviceName,
    'service.version': identity.version,
    'service.instance.id': randomUUID(),
  };
  if (env.K_SERVICE) {
    attributes['cloud.provider'] = 'gcp';
    attributes['cloud.platform'] = 'gcp_cloud_run';
    attributes['faas.name'] = env.K_SERVICE;
  }
  if (env.K_REVISION) attributes['faas.version'] = env.K_REVISION;
  Object.assign(attributes, parseResourceAttributes(env.OTEL_RESOURCE_ATTRIBUTES));
  if (env.OTEL_SERVICE_NAME) attributes['service.name'] = env.OTEL_SERVICE_NAME;
  return defaultResource().merge(resourceFromAttributes(attributes));
}

/** `key=value,key2=value2` with percent-encoding; the whole value is discarded when a part is invalid (resource SDK specification). */
export function parseResourceAttributes(text: string | undefined): Record<string, string> {
  const attributes: Record<string, string> = {};
  if (text === undefined || text.trim() === '') return attributes;
  for (const part of text.split(',')) {
    const at = part.indexOf('=');
    if (at < 1) return {};
    try {
      attributes[decodeURIComponent(part.slice(0, at).trim())] = decodeURIComponent(part.slice(at + 1).trim());
    } catch {
      // A broken percent-encoding: the specification says to discard everything.
      return {};
    }
  }
  return attributes;
}
