// telemetry: reads OTEL_RESOURCE_ATTRIBUTES and reports its faults, without the SDK that the resource itself needs.
import type { Complain } from './otel-env.ts';

const VARIABLE = 'OTEL_RESOURCE_ATTRIBUTES';

/**
 * Reads `key=value,key2=value2` with percent-encoding. The whole value is discarded when a part is
 * invalid (resource SDK specification). A superfluous comma takes nothing away, so it is no fault.
 * An empty `service.name` names no service. A fault is reported by its place, because values may be
 * private.
 */
export function parseResourceAttributes(
  text: string | undefined,
  complain: Complain = () => {},
): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const [index, part] of (text ?? '').split(',').entries()) {
    if (part.trim() === '') continue;
    const fault = readInto(attributes, part);
    if (fault === undefined) continue;
    complain(VARIABLE, `entry ${index + 1} ${fault}; none of its entries is used`);
    return {};
  }
  if (attributes['service.name'] === '') {
    complain(VARIABLE, 'service.name is blank; it is not used');
    delete attributes['service.name'];
  }
  return attributes;
}

function readInto(attributes: Record<string, string>, part: string): string | undefined {
  const at = part.indexOf('=');
  const name = part.slice(0, Math.max(0, at)).trim();
  if (name === '') return 'is not key=value (a comma inside a value is written %2C)';
  try {
    attributes[decodeURIComponent(name)] = decodeURIComponent(part.slice(at + 1).trim());
    return undefined;
  } catch {
    return 'has a broken %-encoding (a percent sign is written %25)';
  }
}
