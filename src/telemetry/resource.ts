// telemetry: the resource: who sends the telemetry, from the environment alone; no network and no file is read.
import { randomUUID } from 'node:crypto';
import {
  type DetectedResourceAttributes,
  defaultResource,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { type Env, readText } from './env/otel-env.ts';
import { parseResourceAttributes } from './env/resource-attributes.ts';

/** The sidecar's own facts. */
export interface Identity {
  /** The name of the service, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES names it. */
  readonly serviceName: string;
  readonly version: string;
}

/**
 * The attributes `service.*`, the SDK's own `telemetry.sdk.*`, Cloud Run's `faas.*` where K_SERVICE
 * is set, and OTEL_RESOURCE_ATTRIBUTES, which wins.
 */
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
  const name = readText(env, 'OTEL_SERVICE_NAME');
  if (name !== undefined) attributes['service.name'] = name;
  return defaultResource().merge(resourceFromAttributes(attributes));
}
