// A Redis that refuses what it is told, also where it answers nothing: it is said, and Redis is told everything afterwards.
import { afterEach, describe, expect, it } from 'vitest';
import { MARK, PUT } from '../../src/journal/redis/scripts.ts';
import { openApp } from '../support/agent-runs.ts';
import { closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { type RefusingRedis, startRefusing } from '../support/refusing-redis.ts';
import { startShared } from '../support/shared-store.ts';
import { expectHealthyLog, type SidecarProcess } from '../support/sidecar-process.ts';

afterEach(closeAll);

/** One sidecar with one client with a session, which has been handed an event and keeps it open. */
async function begin() {
  const shared = await startShared();
  const path = await startRefusing(shared.redis.port);
  const first = await shared.start({ at: `redis://127.0.0.1:${path.port}` });
  shared.balancer.target = first.port;
  const app = openApp(shared.url('ann'), () => new Promise(() => {}));
  const run = await shared.runOf('ann');
  const ordinal = async () => {
    const key = `ackspan:session:{${app.socket.resumption?.session}}`;
    return Number(await shared.redis.client.hget(key, 'ordinal'));
  };
  shared.backend.emit(run);
  await eventually(async () => expect(await ordinal()).toBe(1));
  return { shared, path, first, app, run, ordinal };
}

const said = ({ lines }: SidecarProcess): string[] =>
  lines.filter(({ stage }) => stage === 'store').map((line) => JSON.stringify(line));
const degraded = ({ admin, sum }: SidecarProcess, word: string) =>
  eventually(async () => {
    const health = await (await fetch(`${admin}/readyz`)).text();
    expect(health).toContain('"degraded"');
    expect(health).toContain(word);
    expect(await sum('ackspan_store_degraded')).toBe(1);
  });
const refuseAll = (path: RefusingRedis, answer: string | undefined): void => {
  path.refuse = () => answer;
};

describe.skipIf(missing('redis-server'))('[P10] a Redis that refuses', () => {
  it.each([
    'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
    'LOADING Redis is loading the dataset in memory',
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "READONLY You can't write against a read only replica.",
    "OOM command not allowed when used memory > 'maxmemory'.",
  ])('everything with %s', async (answer) => {
    const { shared, path, first, app, run, ordinal } = await begin();
    const [word = ''] = answer.split(' ');
    refuseAll(path, answer);
    for (let i = 0; i < 5; i++) shared.backend.emit(run);
    await eventually(() => expect(app.numbers).toHaveLength(6));
    await degraded(first, word);
    expect(said(first).join()).toContain(word);
    for (let i = 0; i < 5; i++) shared.backend.emit(run);
    await eventually(() => expect(app.numbers).toHaveLength(11));
    refuseAll(path, undefined);
    await eventually(async () => expect(await ordinal()).toBe(11));
    await eventually(async () => expect(await first.sum('ackspan_store_degraded')).toBe(0));
    // A mark of before may be missed only now: everything is told once more then, which is said last.
    const last = said(first).filter((line) => !line.includes('Redis has dropped some'));
    expect(last.at(-1)).toContain('Redis takes what it is told again');
    expectHealthyLog(first);
  });

  it('one command, and runs what follows: found by its own count, told again, counted and said', async () => {
    const { shared, path, first, app, run, ordinal } = await begin();
    let once = true;
    path.refuse = ([name, sha]) => {
      if (!once || name !== 'EVALSHA' || sha !== PUT.sha) return undefined;
      once = false;
      return 'BUSY Redis is busy running a script.';
    };
    shared.backend.emit(run);
    await eventually(() => expect(app.numbers).toHaveLength(2));
    await eventually(async () => expect(await ordinal()).toBe(2));
    expect(path.refused).toBe(1);
    expect(await first.sum('ackspan_store_retold_total')).toBe(1);
    expect(said(first)).toEqual([expect.stringContaining('has dropped some of what it was told')]);
  });

  it('marks only: noticed when it is asked why they are missing', async () => {
    const { shared, path, first, run } = await begin();
    path.refuse = ([name, sha]) =>
      name?.toUpperCase() === 'EVALSHA' && sha === MARK.sha ? 'BUSY Redis is busy.' : undefined;
    shared.backend.emit(run);
    await degraded(first, 'BUSY');
  });

  it('everything for a moment while a session is elsewhere: its client is asked to come again, and goes on', async () => {
    const { shared, path, first, app, run } = await begin();
    const second = await shared.start({ at: `redis://127.0.0.1:${path.port}`, lease: '10m' });
    refuseAll(path, 'BUSY Redis is busy running a script.');
    shared.backend.emit(run);
    await degraded(first, 'BUSY');
    shared.balancer.target = second.port;
    shared.balancer.cut();
    const refused = () => second.sum('ackspan_connection_rejected_total');
    await eventually(async () => expect(app.resumed.length + (await refused())).toBeGreaterThan(0));
    expect(app.resumed).toEqual([]);
    refuseAll(path, undefined);
    await eventually(() => expect(app.resumed).toEqual([{ recovered: true, rejoined: false }]));
  });
});
