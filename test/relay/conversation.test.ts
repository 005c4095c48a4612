// 10,000 random conversations through the relay, byte for byte against a direct connection. FC_SEED repeats a failure, FC_RUNS multiplies.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Conversation, conversations } from '../support/conversation.ts';
import { converse } from '../support/converse.ts';
import { propertyOptions } from '../support/seed.ts';
import { settle } from '../support/socket-pair.ts';
import { DEFLATE, spliced } from '../support/spliced.ts';

const RUNS = 9_500;
/** Conversations at a time: much of each is waiting for zlib's threads at the far ends. */
const LANES = [0, 1, 2, 3];

async function inMemory(conversation: Conversation): Promise<void> {
  const { deflate, pressure } = conversation;
  const { client, upstream, splice, tap, counters } = await spliced({
    highWaterMark: pressure ? 1_000 : 1 << 30,
    ...(deflate !== 'none' && { deflate: { ...DEFLATE, serverNoContextTakeover: deflate === 'standalone' } }),
  });
  splice.ping();
  await converse(conversation, {
    tap,
    counters,
    sendDown: (bytes) => upstream.send(bytes),
    sendUp: (bytes) => client.send(bytes),
    clientGot: () => client.taken(),
    upstreamGot: () => upstream.taken(),
    rest: settle,
    stallClient: (stalled) => (stalled ? client.stall() : client.unstall()),
    finDown: async () => {
      upstream.fin();
      while (!client.finished) await settle();
    },
    finUp: async () => {
      client.fin();
      while (!upstream.finished) await settle();
    },
  });
  await settle();
  expect([client.closed, upstream.closed]).toEqual([true, true]);
}

it.concurrent.each(LANES)(
  `[W1] ${propertyOptions(RUNS / LANES.length).numRuns} conversations in memory, lane %i: only our pings, our pongs and confirmations differ`,
  (lane) => fc.assert(fc.asyncProperty(conversations, inMemory), propertyOptions(RUNS / LANES.length, lane)),
  240_000,
);
