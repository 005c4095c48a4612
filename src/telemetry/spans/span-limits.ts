// telemetry: OTEL_SPAN_* and OTEL_ATTRIBUTE_* limits, as the SDK's provider takes them.
import type { SpanLimits } from '@opentelemetry/sdk-trace';
import { type Complain, type Env, readText, shown } from '../env/otel-env.ts';

/**
 * Limits that the environment sets, else the SDK's defaults (128 each, length unlimited). Shared
 * attributes do not count.
 */
export function spanLimits(env: Env, complain: Complain = () => {}): SpanLimits {
  const limits: SpanLimits = {};
  const set = (key: keyof SpanLimits, ...names: readonly string[]): void => {
    for (const name of names) {
      const text = readText(env, name);
      if (text === undefined) continue;
      const value = Number(text);
      if (Number.isInteger(value) && value >= 0) limits[key] ??= value;
      else complain(name, `${shown(text)} is not a whole number from 0; it is not used`);
    }
  };
  set('attributeCountLimit', 'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT', 'OTEL_ATTRIBUTE_COUNT_LIMIT');
  set('attributeValueLengthLimit', 'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', 'OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT');
  set('eventCountLimit', 'OTEL_SPAN_EVENT_COUNT_LIMIT');
  set('linkCountLimit', 'OTEL_SPAN_LINK_COUNT_LIMIT');
  set('attributePerEventCountLimit', 'OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT', 'OTEL_SPAN_ATTRIBUTE_PER_EVENT_COUNT_LIMIT');
  set('attributePerLinkCountLimit', 'OTEL_LINK_ATTRIBUTE_COUNT_LIMIT', 'OTEL_SPAN_ATTRIBUTE_PER_LINK_COUNT_LIMIT');
  return limits;
}
