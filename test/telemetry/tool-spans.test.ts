// Tool calls as a collector and a scraper see them: which end belongs to which start, what is an orphan, and that the sums agree.
import { SpanKind } from '@opentelemetry/api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CALLS_PER_SESSION } from '../../src/telemetry/agents/tool-calls.ts';
import { propertyOptions } from '../support/seed.ts';
import { T0 } from './deliveries.ts';
import { expose, linesOf } from './expose.ts';
import { newSession, Story, typeOf } from './tool-stories.ts';

const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describe('a tool call', () => {
  it('is one span by the GenAI conventions, and one duration', async () => {
    const story = new Story();
    story.sent('agent_started').sent('tool_executing', { tool: 'search', call: 'call-7', traceparent: PARENT });
    story.passed(411).sent('tool_completed', { tool: 'search', call: 'call-7' });
    expect(story.spans()).toEqual([
      {
        name: 'execute_tool search',
        kind: SpanKind.INTERNAL,
        from: 2,
        to: 414,
        error: false,
        traceId: '0af7651916cd43dd8448eb211c80319c',
        parent: 'b7ad6b7169203331',
        attributes: {
          'gen_ai.operation.name': 'execute_tool',
          'gen_ai.tool.name': 'search',
          'gen_ai.tool.call.id': 'call-7',
          'gen_ai.conversation.id': 'r1',
          'ackspan.connection.id': 'c-s',
        },
      },
    ]);
    const text = await expose(story.watch.source);
    expect(text).toContain('ackspan_tool_duration_seconds_bucket{tool="search",le="0.25"} 0\n');
    expect(text).toContain('ackspan_tool_duration_seconds_bucket{tool="search",le="0.5"} 1\n');
    expect(text).toContain('ackspan_tool_duration_seconds_sum{tool="search"} 0.412\n');
    expect(text).toContain('ackspan_tool_orphaned_total{tool="search"} 0\n');
  });

  it('belongs to the trace of the connection when its event names none', () => {
    const story = new Story();
    const on = newSession('t', PARENT);
    story.sent('tool_executing', { tool: 'a', on, traceparent: 'nonsense' }).sent('tool_completed', { tool: 'a', on });
    expect(story.spans()[0]).toMatchObject({ parent: 'b7ad6b7169203331' });
  });

  it('its orphan series is there from its start', async () => {
    const story = new Story().sent('tool_executing', { tool: 'search' });
    expect(await story.value('ackspan_tool_orphaned_total', { tool: 'search' })).toBe(0);
  });

  it('without a tool name, a run or a connection has its span all the same', () => {
    const story = new Story();
    story.session.link = undefined;
    story.sent('tool_executing', { run: undefined }).sent('tool_completed', { run: undefined });
    expect(story.spans()).toMatchObject([
      { name: 'execute_tool unknown', attributes: { 'gen_ai.operation.name': 'execute_tool' } },
    ]);
    expect(Object.keys(story.spans()[0]!.attributes)).toHaveLength(1);
  });
});

describe('which end belongs to which start', () => {
  it('by call id, whatever the order', () => {
    const story = new Story();
    for (const call of ['a', 'b', 'c']) story.sent('tool_executing', { tool: 'x', call });
    for (const call of ['b', 'c', 'a']) story.sent('tool_completed', { call });
    expect(story.calls()).toEqual(['x 2-4', 'x 3-5', 'x 1-6']);
  });

  it('nested calls of different tools', () => {
    const story = new Story().sent('tool_executing', { tool: 'outer' }).sent('tool_executing', { tool: 'inner' });
    story.sent('tool_completed', { tool: 'inner' }).sent('tool_completed', { tool: 'outer' });
    expect(story.calls()).toEqual(['inner 2-3', 'outer 1-4']);
  });

  it('parallel calls of one tool without ids: oldest first', () => {
    const story = new Story().sent('tool_executing', { tool: 'x' }).sent('tool_executing', { tool: 'x' });
    story.sent('tool_completed', { tool: 'x' }).sent('tool_completed', { tool: 'x' });
    expect(story.calls()).toEqual(['x 1-3', 'x 2-4']);
  });

  it('an end with an id never ends a call with another, but one without', () => {
    const story = new Story().sent('tool_executing', { tool: 'x', call: 'a' }).sent('tool_executing', { tool: 'x' });
    story.sent('tool_completed', { tool: 'x', call: 'b' });
    expect(story.calls()).toEqual(['x 2-3']);
    story.sent('tool_completed', { tool: 'x', call: 'b' });
    expect(story.calls()).toEqual(['x 2-3']);
    story.sent('tool_completed', { tool: 'x' });
    expect(story.calls()).toEqual(['x 2-3', 'x 1-5']);
  });

  it('never across runs or sessions', async () => {
    const other = newSession('other');
    const story = new Story().sent('tool_executing', { tool: 'x', call: 'a' });
    story.sent('tool_completed', { tool: 'x', call: 'a', run: 'r2' });
    story.sent('tool_completed', { tool: 'x', call: 'a', on: other });
    expect(story.calls()).toEqual([]);
    expect(await story.violations()).toEqual({ completed_without_start: 2 });
  });

  it('the same event again tells nothing new', async () => {
    const story = new Story();
    story.sent('tool_executing', { tool: 'x', id: 'e1' }).sent('tool_executing', { tool: 'x', id: 'e1' });
    story.sent('tool_completed', { tool: 'x', id: 'e2' }).sent('tool_completed', { tool: 'x', id: 'e2' });
    story.sent('tool_executing', { tool: 'y', call: 'c' }).sent('tool_executing', { tool: 'y', call: 'c' });
    story.sent('tool_completed', { tool: 'y', call: 'c' });
    expect(story.calls()).toEqual(['x 1-3', 'y 5-7']);
    expect([story.watch.openTools, await story.violations()]).toEqual([0, {}]);
  });

  it('one event id for start and end is not a repetition', () => {
    const story = new Story().sent('tool_executing', { tool: 'x', id: 'e1' });
    story.sent('tool_completed', { tool: 'x', id: 'e1' });
    expect(story.calls()).toEqual(['x 1-2']);
  });
});

describe('an orphan', () => {
  it('ends as an error when its time is up, not before', async () => {
    const story = new Story().sent('tool_executing', { tool: 'slow' }).passed(59_999);
    expect(story.watch.openTools).toBe(1);
    story.passed(1);
    expect(story.calls()).toEqual(['slow 1-60001!']);
    expect(story.spans()[0]!.attributes).toMatchObject({
      'error.type': 'orphaned',
      'ackspan.tool.orphaned_by': 'timeout',
    });
    expect(await story.value('ackspan_tool_orphaned_total', { tool: 'slow' })).toBe(1);
    expect(await story.value('ackspan_tool_duration_seconds_count', { tool: 'slow' })).toBe(0);
    expect(story.watch.openTools).toBe(0);
  });

  it('is what a session leaves open', () => {
    const other = newSession('other');
    const story = new Story().sent('tool_executing', { tool: 'x' }).sent('tool_executing', { tool: 'x', on: other });
    story.passed(10).ended();
    expect(story.calls()).toEqual(['x 1-12!']);
    expect(story.spans()[0]!.attributes).toMatchObject({ 'ackspan.tool.orphaned_by': 'session_end' });
    expect(story.watch.openTools).toBe(1);
  });

  it('many at once are ended a few at a time', () => {
    const story = new Story();
    for (let i = 0; i < 10; i++) story.sent('tool_executing', { tool: 'x', call: `c${i}` });
    story.now += 70_000;
    const at = T0 + story.now;
    expect([story.watch.tick(at, 4), story.spans().length]).toEqual([true, 4]);
    expect([story.watch.tick(at, 4), story.watch.tick(at, 4), story.spans().length]).toEqual([true, false, 10]);
  });
});

describe('sampling', () => {
  it('keeps the chosen share of calls that end well, every orphan, and counts all', () => {
    const story = new Story({ keepEnded: 0 });
    story.sent('tool_executing', { tool: 'x' }).sent('tool_completed', { tool: 'x' });
    story.sent('tool_executing', { tool: 'x' }).ended();
    expect(story.calls()).toEqual(['x 3-3!']);
    expect(story.sums()).toMatchObject({ ended: 1, orphaned: 1 });
  });

  it('without a tracer counts alone', () => {
    const story = new Story({ tracer: undefined }).sent('tool_executing', { tool: 'x' });
    story.sent('tool_completed', { tool: 'x' });
    expect([story.spans().length, story.sums().ended]).toEqual([0, 1]);
  });
});

describe('[D7] limits', () => {
  it('past 100 tools the label is `other`, also in span names, and the attribute stays the tool', async () => {
    const story = new Story();
    for (let i = 0; i < 150; i++)
      story.sent('tool_executing', { tool: `t${i}` }).sent('tool_completed', { tool: `t${i}` });
    expect(linesOf(await expose(story.watch.source), 'ackspan_tool_orphaned_total')).toHaveLength(101);
    expect(await story.value('ackspan_tool_duration_seconds_count', { tool: 'other' })).toBe(50);
    expect(story.spans()[149]).toMatchObject({
      name: 'execute_tool other',
      attributes: { 'gen_ai.tool.name': 't149' },
    });
  });

  it('past the number of open calls the oldest gives way, and its session is not blamed for it', async () => {
    const story = new Story({ maxOpenTools: 2 });
    const noisy = newSession('noisy');
    story.sent('tool_executing', { tool: 'mine' });
    for (const call of ['a', 'b']) story.sent('tool_executing', { tool: 'x', call, on: noisy });
    expect([story.watch.openTools, story.sums().unwatched]).toEqual([2, 1]);
    story.sent('tool_completed', { tool: 'mine' });
    expect(await story.violations()).toEqual({});
    expect(await story.value('ackspan_tool_unwatched_total', { reason: 'limit' })).toBe(1);
  });

  it('a session that never ends its calls pushes out its own', () => {
    const story = new Story({ maxOpenTools: 10_000 });
    const noisy = newSession('noisy');
    story.sent('tool_executing', { tool: 'mine' });
    for (let i = 0; i < CALLS_PER_SESSION + 5; i++)
      story.sent('tool_executing', { tool: 'x', call: `c${i}`, on: noisy });
    expect([story.watch.openTools, story.sums().unwatched]).toEqual([CALLS_PER_SESSION + 1, 5]);
    story.sent('tool_completed', { tool: 'mine' });
    expect(story.calls()).toHaveLength(1);
  });

  it('a shed agent event ends all judgement about its session', async () => {
    const story = new Story().sent('agent_started').sent('tool_executing', { tool: 'x' });
    story.watch.observer.shed?.('pending', story.session, typeOf('chatter'));
    expect(story.watch.openTools).toBe(1);
    story.watch.observer.shed?.('pending', story.session, typeOf('tool_completed'));
    story.passed(400_000).sent('tool_completed', { tool: 'x' }).sent('agent_completed').ended();
    expect([story.watch.openTools, story.calls(), await story.violations()]).toEqual([0, [], {}]);
    expect(await story.value('ackspan_tool_unwatched_total', { reason: 'shed' })).toBe(1);
  });
});

it('random stories: started = ended + orphaned + given up + open, each span counted, durations sum up', () => {
  const pick = <T>(...values: T[]) => fc.constantFrom(...values);
  const tool = { tool: pick('a', 'b', undefined), call: pick('1', '2', undefined), run: pick('r', 'q', undefined) };
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: pick('tool_executing'), on: pick(0, 1), ...tool }) },
    { weight: 4, arbitrary: fc.record({ do: pick('tool_completed'), on: pick(0, 1), ...tool }) },
    { weight: 1, arbitrary: fc.record({ do: pick('agent_started', 'agent_completed'), on: pick(0, 1), ...tool }) },
    { weight: 2, arbitrary: fc.record({ do: pick('pass'), on: fc.integer({ min: 1, max: 40_000 }) }) },
    { weight: 1, arbitrary: fc.record({ do: pick('end', 'shed'), on: pick(0, 1) }) },
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const story = new Story({ maxOpenTools: 5, maxRuns: 3 });
      const sessions = [newSession('0'), newSession('1')];
      let started = 0;
      for (const each of steps) {
        const on = sessions[each.on]!;
        if (each.do === 'pass') story.passed(each.on);
        else if (each.do === 'end') {
          story.ended(on);
          sessions[each.on] = newSession(String(each.on));
        } else if (each.do === 'shed') story.watch.observer.shed?.('pending', on, typeOf('tool_completed'));
        else {
          const before = story.sums();
          const open = story.watch.openTools;
          const { tool: name, call, run } = each as { tool?: string; call?: string; run?: string };
          story.sent(each.do, {
            ...{ on, run },
            ...(name !== undefined && { tool: name }),
            ...(call !== undefined && { call }),
          });
          const { unwatched } = story.sums();
          if (each.do === 'tool_executing') started += story.watch.openTools - open + unwatched - before.unwatched;
        }
        const { ended, orphaned, unwatched } = story.sums();
        expect(started).toBe(ended + orphaned + unwatched + story.watch.openTools);
        expect(story.watch.openTools).toBeLessThanOrEqual(5);
      }
      for (const session of sessions) story.ended(session);
      expect(story.watch.openTools).toBe(0);
      const spans = story.spans();
      const sums = story.sums();
      expect(spans.filter(({ error }) => error)).toHaveLength(sums.orphaned);
      const well = spans.filter(({ error }) => !error);
      expect(well).toHaveLength(sums.ended);
      const total = well.reduce((sum, { from, to }) => sum + to - from, 0);
      expect(sums.seconds).toBeCloseTo(total / 1000, 6);
      for (const { from, to } of spans) expect(to).toBeGreaterThanOrEqual(from);
    }),
    propertyOptions(300),
  );
});
