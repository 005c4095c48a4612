// telemetry: attributes and links that many spans share by reference, written once per event type and connection.
import type { Attributes, Link, Span } from '@opentelemetry/api';
import type { SpanProcessor } from '@opentelemetry/sdk-trace';

/**
 * Attributes and perhaps a link that never change, and their OTLP form once an exporter needed it.
 */
export interface SharedParts {
  readonly attributes: Attributes;
  readonly link: Link | undefined;
  /** Fields of the message Span, encoded by the first span that is exported with them. */
  encoded: Uint8Array | undefined;
}

const SHARED: unique symbol = Symbol('ackspan.shared-parts');

interface Sharing {
  [SHARED]?: readonly SharedParts[] | undefined;
}

/** Parts to share. */
export function createSharedParts(attributes: Attributes, link?: Link): SharedParts {
  return { attributes, link, encoded: undefined };
}

/** Notes that the span has these parts too. The SDK would copy them up to three times per span. */
export function shareParts(span: Span, parts: readonly SharedParts[]): void {
  (span as Sharing)[SHARED] = parts;
}

/** The parts shared with the span. */
export function sharedPartsOf(span: object): readonly SharedParts[] | undefined {
  return (span as Sharing)[SHARED];
}

/** Puts shared parts on the span itself as it ends, for exporters other than our own. */
export function createSharingProcessor(): SpanProcessor {
  return {
    onStart() {},
    onEnding(span) {
      for (const { attributes, link } of sharedPartsOf(span) ?? []) {
        span.setAttributes(attributes);
        if (link !== undefined) span.addLink(link);
      }
      // The parts are the span's own now: an encoder that comes later must not write them twice.
      (span as Sharing)[SHARED] = undefined;
    },
    onEnd() {},
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
}
