// An OTLP endpoint that is down, answers 500, or never answers: the relay and its counts do not notice, and every span lost is counted.
import { afterEach, describe, expect, it } from 'vitest';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { type Behaviour, type OtlpReceiver, startOtlpReceiver } from '../support/otlp-receiver.ts';
import { expectHealthyLog, type SidecarProcess, startSidecar } from '../support/sidecar-process.ts';
import { type Client, event, openClient, type Peer, startWsBackend, tell } from '../support/ws-peers.ts';

afterEach(closeAll);

const EVENTS = 200;
const QUEUE = 32;

interface Scene {
  readonly receiver: OtlpReceiver;
  readonly sidecar: SidecarProcess;
  readonly client: Client;
  readonly peer: Peer;
}

async function start(behaviour: Behaviour | 'down', exportTimeoutMs: number): Promise<Scene> {
  const receiver = await startOtlpReceiver();
  if (behaviour === 'down') await receiver.close();
  else {
    receiver.behave(behaviour);
    atEnd(() => receiver.close());
  }
  const backend = await startWsBackend();
  const sidecar = await startSidecar({
    upstream: backend.address,
    env: {
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.endpoint,
      OTEL_EXPORTER_OTLP_TIMEOUT: String(exportTimeoutMs),
      OTEL_BSP_EXPORT_TIMEOUT: String(exportTimeoutMs),
      OTEL_BSP_MAX_QUEUE_SIZE: String(QUEUE),
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '8',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    },
  });
  const client = await openClient(sidecar.ws);
  return { receiver, sidecar, client, peer: await backend.peer(0) };
}

/**
 * Events one after the other, each sent when the one before has come: the collector cannot slow
 * them down unnoticed.
 */
async function converse({ client, peer }: Scene, count: number): Promise<void> {
  for (let n = 1; n <= count; n++) {
    const come = new Promise((resolve) => client.socket.once('message', resolve));
    tell(peer, event(`e-${n}`));
    await come;
  }
}

async function spans(sidecar: SidecarProcess): Promise<Record<'exported' | 'dropped' | 'failed', number>> {
  const count = (result: string) => sidecar.sum('ackspan_telemetry_spans_total', { result });
  const [exported, dropped, failed] = await Promise.all([count('exported'), count('dropped'), count('failed')]);
  return { exported: exported!, dropped: dropped!, failed: failed! };
}

describe('[D8] the relay does not notice a collector', () => {
  it.each<[string, Behaviour | 'down']>([
    ['that is down', 'down'],
    ['that answers 500', { kind: 'status', code: 500 }],
    ['that cuts every connection', { kind: 'close' }],
  ])('%s; spans that are lost are counted', async (_, behaviour) => {
    const scene = await start(behaviour, 1000);
    const { sidecar, client } = scene;
    await converse(scene, EVENTS);
    await sidecar.reach({ tracked: EVENTS, confirmed: EVENTS, pending: 0 });
    expect(client.texts).toHaveLength(EVENTS);
    await eventually(async () => {
      const { exported, dropped, failed } = await spans(sidecar);
      expect([exported, dropped + failed]).toEqual([0, EVENTS]);
    });
    expect(
      sidecar.lines.some(({ stage }) => stage === 'telemetry'),
      'the log says so',
    ).toBe(true);
    expectHealthyLog(sidecar);
  });

  it('that never answers: all events come and are confirmed while its first request hangs', async () => {
    const scene = await start({ kind: 'hang' }, 60_000);
    const { receiver, sidecar, client } = scene;
    await converse(scene, 10);
    await receiver.waitFor(({ requests }) => requests.length > 0);
    await converse(scene, EVENTS);
    await sidecar.reach({ tracked: EVENTS + 10, confirmed: EVENTS + 10, pending: 0 });
    expect(client.texts).toHaveLength(EVENTS + 10);
    await eventually(async () => {
      const { exported, dropped, failed } = await spans(sidecar);
      expect([exported, failed]).toEqual([0, 0]);
      // Nothing but the queue and what is under way can still be waiting.
      expect(dropped).toBeGreaterThanOrEqual(EVENTS + 10 - QUEUE - 64);
    });
    expectHealthyLog(sidecar);
  });

  it('that comes back: spans arrive again, and exported, dropped and failed add up', async () => {
    const scene = await start({ kind: 'status', code: 500 }, 1000);
    const { receiver, sidecar } = scene;
    await converse(scene, EVENTS);
    await eventually(async () => expect((await spans(sidecar)).failed).toBeGreaterThan(0));
    receiver.behave({ kind: 'accept', afterMs: 20 });
    await eventually(async () => {
      await converse(scene, 1);
      expect(receiver.spans.length).toBeGreaterThan(0);
    });
    await eventually(async () => {
      const { exported, dropped, failed } = await spans(sidecar);
      const { tracked } = await sidecar.stats();
      expect(exported).toBe(receiver.spans.length);
      expect(exported + dropped + failed).toBe(tracked);
    });
    expectHealthyLog(sidecar);
  });
});
