// RFC 6455 and RFC 7692, case by case over real sockets: what both ends see through the sidecar is what they see directly.
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { closeAll } from '../support/backends.ts';
import { bugs, type SidecarHere, sidecarHere } from '../support/sidecar-here.ts';
import type { Case } from './conformance-case.ts';
import { DEFLATE_CASES } from './conformance-deflate.ts';
import { throughSidecar } from './conformance-differences.ts';
import { FAR_CASES } from './conformance-far.ts';
import { FRAME_CASES } from './conformance-frames.ts';
import { MESSAGE_CASES } from './conformance-messages.ts';
import { startRawEnd, startWsEnd, type View } from './conformance-run.ts';

const CASES: readonly Case[] = [...FRAME_CASES, ...MESSAGE_CASES, ...DEFLATE_CASES, ...FAR_CASES];

const sidecars: SidecarHere[] = [];
let client: Awaited<ReturnType<typeof ends>>;
let backend: Awaited<ReturnType<typeof ends>>;

async function ends(start: () => Promise<{ port: number; play(one: Case, to: number): Promise<View> }>) {
  const { port, play } = await start();
  // Messages without an event draw no barriers: the raw client answers those before pings that came
  // earlier, which no stack does.
  const sidecar = await sidecarHere(`http://127.0.0.1:${port}`, { events: { unread: 'count' } });
  sidecars.push(sidecar);
  return { direct: (one: Case) => play(one, port), through: (one: Case) => play(one, sidecar.port) };
}

beforeAll(async () => {
  client = await ends(startWsEnd);
  backend = await ends(startRawEnd);
});
afterAll(closeAll);

describe.concurrent('[W1] a raw client and a ws server', () => {
  it.each(CASES.map((one) => [one.name, one] as const))('%s', async (_, one) => {
    const [direct, through] = [await client.direct(one), await client.through(one)];
    expect(through).toEqual(throughSidecar(direct));
  });
});

describe.concurrent('[W1] a raw backend and a ws client', () => {
  it.each(CASES.map((one) => [one.name, one] as const))('%s', async (_, one) => {
    const [direct, through] = [await backend.direct(one), await backend.through(one)];
    expect(through).toEqual(throughSidecar(direct));
  });
});

describe('all in all', () => {
  it('there are more than 200 cases, each with a name of its own', () => {
    expect(2 * CASES.length).toBeGreaterThan(200);
    expect(new Set(CASES.map(({ name }) => name)).size).toBe(CASES.length);
  });

  it('the sidecars were at work: messages were tracked, barriers sent and answered', async () => {
    for (const { stats } of sidecars) {
      const { tracked, confirmed } = await stats();
      expect([tracked > 100, confirmed > 0]).toEqual([true, true]);
    }
  });

  it('no fault was one of ours', () => {
    expect(sidecars.flatMap(bugs)).toEqual([]);
  });
});
