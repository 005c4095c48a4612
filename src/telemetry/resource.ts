// telemetry: says who sends the telemetry, from the environment alone: no network, no file is asked.
import { randomUUID } from 'node:crypto';
import {
  type DetectedResourceAttributes,
  defaultResource,
  type Resource,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { type Env, readText } from './env/otel-env.ts';
import { parseResourceAttributes } from './env/resource-attributes.ts';

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
  const name = readText(env, 'OTEL_SERVICE_NAME');
  if (name !== undefined) attributes['service.name'] = name;
  return defaultResource().merge(resourceFromAttributes(attributes));
}
