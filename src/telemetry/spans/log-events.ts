// telemetry: steps of a delivery as OpenTelemetry log events (OTEP 4430), tied to the span by trace id and span id.
import { ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { type Logger, SeverityNumber } from '@opentelemetry/api-logs';
import { wall } from '../../time/clock.ts';
import { hrTime } from '../../time/stamp.ts';
import type { LogEvent } from './span-events.ts';

/**
 * Writes events through `logger`, at severity INFO. Name, time and attributes are those of the span
 * event.
 */
export function createLogEvents(logger: Logger): LogEvent {
  return (eventName, timestamp, attributes, span) => {
    logger.emit({
      eventName,
      timestamp,
      // The time is given, because the SDK takes a small number for a time since the start of the
      // process, as a clock set to 1970 shows one.
      observedTimestamp: hrTime(wall()),
      ...(attributes !== undefined && { attributes }),
      severityNumber: SeverityNumber.INFO,
      severityText: 'INFO',
      context: trace.setSpan(ROOT_CONTEXT, span),
    });
  };
}
