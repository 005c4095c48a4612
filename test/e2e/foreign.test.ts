// Applications on other people's protocols, with nothing configured: nothing of theirs breaks, and what they send is proven.
import { afterEach, describe, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { type ForeignApp, NOTES } from '../support/foreign/app.ts';
import { centrifugo } from '../support/foreign/centrifugo.ts';
import { jupyter } from '../support/foreign/jupyter.ts';
import { mqtt } from '../support/foreign/mqtt.ts';
import { nats } from '../support/foreign/nats.ts';
import { signalr } from '../support/foreign/signalr.ts';
import { socketIo } from '../support/foreign/socket-io.ts';
import { stomp } from '../support/foreign/stomp.ts';
import { streamlit } from '../support/foreign/streamlit.ts';
import { yjs } from '../support/foreign/yjs.ts';
import { expectHealthyLog, startSidecar } from '../support/sidecar-process.ts';

afterEach(closeAll);

const sum = (counts: Readonly<Record<string, number>>) => Object.values(counts).reduce((all, each) => all + each, 0);

describe.each<[string, ForeignApp, string]>([
  ['Socket.IO', socketIo, 'text'],
  ['MQTT', mqtt, 'binary'],
  ['STOMP', stomp, 'text'],
  ['SignalR', signalr, 'json'],
  ['Yjs', yjs, 'binary'],
  ['NATS', nats, 'binary'],
  ['Centrifugo', centrifugo, 'json'],
  ['Jupyter', jupyter, 'json'],
  ['Streamlit', streamlit, 'binary'],
])('%s', (_name, app, shape) => {
  const skipped = missing(...(app.needs ?? []));
  it.skipIf(skipped)(
    '[D21] works as it does directly, and every message that the server sent is accounted for',
    async () => {
      const server = await app.serve();
      const direct = await app.converse(server);
      expect(direct).toHaveLength(NOTES);
      const sidecar = await startSidecar({ upstream: server });
      for (let round = 0; round < 2; round++) expect(await app.converse(sidecar.http)).toEqual(direct);
      const stats = await eventually(async () => {
        const found = await sidecar.stats();
        expect(found).toMatchObject({ pending: 0 });
        expect(found.tracked).toBeGreaterThanOrEqual(app.joins === true ? 2 : 2 * NOTES);
        return found;
      });
      // Only what was under way when its client left in good order is open to doubt.
      expect(stats).toMatchObject({ confirmation_rate: 1, failed: 0, timeout: 0 });
      expect(stats.confirmed).toBeGreaterThan(0);
      expect(stats.unread[shape]).toBeGreaterThan(0);
      expect(stats.tracked + stats.shed + sum(stats.untracked) - stats.batched).toBe(
        await sidecar.sum('ackspan_relay_messages_total', { direction: 'down' }),
      );
      expectHealthyLog(sidecar);
    },
  );
});
