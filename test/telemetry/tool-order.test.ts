// The order watch: what a client was told too late, without a beginning, or never.
import { describe, expect, it } from 'vitest';
import { newSession, Story, typeOf } from './tool-stories.ts';

const RUN = ['agent_started', 'agent_thinking', 'agent_completed'] as const;

function tell(story: Story, run: string | undefined, ...names: readonly string[]): Story {
  for (const name of names) story.sent(name, { run, tool: 'x' });
  return story;
}

describe('a run', () => {
  it('in order is no violation, however often its id comes back', async () => {
    const story = new Story();
    for (let turn = 0; turn < 3; turn++) {
      tell(story, 'r1', 'agent_started', 'agent_thinking', 'tool_executing', 'tool_completed', 'agent_completed');
    }
    story.passed(1_000_000).ended();
    expect([await story.violations(), story.watch.waiting]).toEqual([{}, 0]);
  });

  it('that fails ends with its error', async () => {
    expect(await tell(new Story(), 'r1', 'agent_started', 'agent_error').ended().violations()).toEqual({});
  });

  it('with a nested agent ends with the outer one', async () => {
    const story = tell(new Story(), 'r1', 'agent_started', 'agent_started', 'agent_completed', 'agent_thinking');
    expect(await story.violations()).toEqual({});
    expect(await tell(story, 'r1', 'agent_completed', 'agent_thinking').violations()).toEqual({ event_after_end: 1 });
  });

  it('whose events have no run id is one run per session', async () => {
    const story = tell(new Story(), undefined, ...RUN, 'agent_thinking');
    expect(await story.violations()).toEqual({ event_after_end: 1 });
  });
});

describe('a violation', () => {
  it('event_after_end: any agent event of the run but a new start, once each', async () => {
    const story = tell(new Story(), 'r1', ...RUN, 'agent_thinking', 'agent_completed', 'tool_completed', 'chatter');
    expect(await story.violations()).toEqual({ event_after_end: 3 });
  });

  it('event_after_end: also the end of a tool, which still ends its call', async () => {
    const story = tell(new Story(), 'r1', 'agent_started', 'tool_executing', 'agent_completed', 'tool_completed');
    expect(await story.violations()).toEqual({ tool_open_at_end: 1, event_after_end: 1 });
    expect(story.calls()).toEqual(['x 2-4']);
  });

  it('completed_without_start, also when the start comes after it', async () => {
    const story = tell(new Story(), 'r1', 'tool_completed', 'tool_executing');
    expect(await story.violations()).toEqual({ completed_without_start: 1 });
  });

  it('missing_end: after silence, counted from the last event', async () => {
    const story = tell(new Story(), 'r1', 'agent_started').passed(299_000);
    tell(story, 'r1', 'agent_thinking').passed(299_000);
    expect(await story.violations()).toEqual({});
    story.passed(1_000);
    expect([await story.violations(), story.watch.waiting]).toEqual([{ missing_end: 1 }, 0]);
  });

  it('missing_end: when the session ends, for that session alone', async () => {
    const other = newSession('other');
    const story = new Story().sent('agent_started').sent('agent_started', { on: other }).ended();
    expect([await story.violations(), story.watch.waiting]).toEqual([{ missing_end: 1 }, 1]);
  });

  it('is not what a client that came back in the middle of a run saw', async () => {
    const story = tell(new Story(), 'r1', 'agent_thinking', 'tool_executing', 'tool_completed', 'agent_completed');
    expect(await story.ended().violations()).toEqual({});
  });

  it('every kind is a series at 0 from the start', async () => {
    const story = new Story();
    for (const kind of ['completed_without_start', 'event_after_end', 'tool_open_at_end', 'missing_end'])
      expect(await story.value('ackspan_order_violations_total', { kind })).toBe(0);
  });
});

describe('[D7] limits', () => {
  it('the run that was silent the longest gives way, without a verdict', async () => {
    const story = new Story({ maxRuns: 2 });
    for (const run of ['a', 'b']) tell(story, run, 'agent_started');
    tell(story, 'a', 'agent_thinking');
    tell(story, 'c', 'agent_started');
    expect(story.watch.waiting).toBe(2);
    tell(story, 'b', 'agent_completed');
    expect(await story.ended().violations()).toEqual({ missing_end: 1 });
  });

  it('random run ids of one session do not push out the runs of others', async () => {
    const story = new Story({ maxRuns: 300 }).sent('agent_started', { on: newSession('mine') });
    for (let i = 0; i < 1000; i++) story.sent('agent_started', { run: `r${i}` });
    expect(story.watch.waiting).toBe(257);
  });
});

describe('roles', () => {
  it('are the operator’s, also for types past the limit of types', async () => {
    const events = {
      ...{ run_start: ['begin'], run_end: ['finish'], run_step: [] },
      ...{ tool_start: ['tool.call'], tool_end: ['tool.result'] },
    };
    const story = new Story({ events });
    expect(typeOf('tool.call').index).toBe(0);
    tell(story, 'r1', 'begin', 'tool.call', 'tool_completed', 'tool.result', 'finish', 'finish');
    expect(story.calls()).toEqual(['x 2-4']);
    expect(await story.violations()).toEqual({ event_after_end: 1 });
  });
});
