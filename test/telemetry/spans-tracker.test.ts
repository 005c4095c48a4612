// Spans behind the real tracker: whatever happens, each delivery ends as exactly one span that agrees with its record (D1).
import { AlwaysOnSampler, InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Delivery } from '../../src/delivery/record.ts';
import { Owner, Session } from '../../src/delivery/session.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { createSharingProcessor } from '../../src/telemetry/spans/shared-parts.ts';
import { createSpans } from '../../src/telemetry/spans/spans.ts';
import { facts } from '../support/deliveries.ts';
import { propertyOptions } from '../support/seed.ts';

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('send' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pong' as const), back: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('confirm' as const), back: fc.nat(3), rejected: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 12_000 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('disconnect' as const) }) },
);

test('[D1] random lives: one span each, with the outcome, the attempts and the times of the record', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 0.5, 1), (steps, keepConfirmed) => {
      const memory = new InMemorySpanExporter();
      const provider = new TracerProvider({
        sampler: new AlwaysOnSampler(),
        spanProcessors: [createSharingProcessor(), new SimpleSpanProcessor({ exporter: memory })],
      });
      const spans = createSpans({
        tracer: provider.getTracer('ackspan'),
        sampling: { keepConfirmed, slowMs: 1000 },
        events: 'span',
        userHashKey: undefined,
      });
      let now = 1_760_000_000_000;
      const store = createMemoryStore({ history: 1000 });
      const limits = { pending: 1000, pendingPerUser: 1000 };
      const tracker = new Tracker({ store, observer: spans.observer, limits, now, random: () => 0.5 });
      const session = new Session('s', new Owner(undefined));
      session.link = { id: 'c', probe: () => 'sent', resend: () => 'sent' };
      const tracked: Delivery[] = [];
      for (const each of steps) {
        now += each.do === 'pass' ? each.ms : 1;
        const target = tracked.length - ('back' in each ? each.back : 0);
        if (each.do === 'send') {
          const delivery = tracker.track(session, facts({ id: `e-${tracked.length + 1}` }), tracked.length + 1, now);
          tracked.push(delivery!);
        } else if (each.do === 'pong') tracker.received(session, Math.max(0, target), now);
        else if (each.do === 'confirm') tracker.processed(session, `e-${target}`, each.rejected, 'no', now);
        else if (each.do === 'disconnect') tracker.disconnected(session, now);
        else tracker.tick(now);
      }
      tracker.shutdown(now + 1);

      const byId = new Map(memory.getFinishedSpans().map((span) => [span.attributes['messaging.message.id'], span]));
      expect(byId.size).toBe(memory.getFinishedSpans().length);
      for (const delivery of tracked) {
        const span = byId.get(delivery.eventId);
        const smooth =
          delivery.status === 'confirmed' && delivery.attempts === 1 && delivery.settledAt - delivery.sentAt <= 1000;
        if (!smooth || keepConfirmed === 1) expect(span).toBeDefined();
        if (smooth && keepConfirmed === 0) expect(span).toBeUndefined();
        if (span === undefined) continue;
        const { attributes, events } = span;
        expect(attributes['ackspan.delivery.outcome']).toBe(delivery.status);
        expect(attributes['ackspan.delivery.attempts']).toBe(delivery.attempts);
        expect(attributes['error.type'] ?? '').toBe(delivery.errorType);
        expect(span.status.code).toBe(delivery.errorType === '' ? 0 : 2);
        expect(events.filter(({ name }) => name === 'ackspan.delivery.attempt')).toHaveLength(delivery.attempts - 1);
        const times = [span.startTime, ...events.map(({ time }) => time), span.endTime].map(([s, n]) => s * 1e9 + n);
        expect(times).toEqual([...times].sort((a, b) => a - b));
      }
    }),
    propertyOptions(100),
  );
});
