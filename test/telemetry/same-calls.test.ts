// One tool call that several sessions see: counted and traced once, whatever becomes of the single sessions.
import { expect, it } from 'vitest';
import { newSession, Story } from './tool-stories.ts';

const RUN = 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6';
const tabs = () => ['a', 'b', 'c'].map((key) => newSession(key));
const count = (story: Story) => story.value('ackspan_tool_duration_seconds_count', { tool: 'x' });
const orphans = (story: Story) => story.value('ackspan_tool_orphaned_total', { tool: 'x' });

it('one tool call to three tabs counts once, with one span from the first start to the first end', async () => {
  const story = new Story();
  const all = tabs();
  for (const on of all) story.sent('tool_executing', { tool: 'x', call: 'c1', run: RUN, on });
  for (const on of all) story.sent('tool_completed', { tool: 'x', call: 'c1', run: RUN, on });
  expect(await count(story)).toBe(1);
  expect(story.calls()).toEqual(['x 1-4']);
  expect([story.watch.openTools, await orphans(story), await story.violations()]).toEqual([0, 0, {}]);
});

it('tab by tab, each from start to end, it is still one', async () => {
  const story = new Story();
  for (const on of tabs()) {
    story.sent('tool_executing', { tool: 'x', call: 'c1', run: RUN, on });
    story.sent('tool_completed', { tool: 'x', call: 'c1', run: RUN, on });
  }
  expect([await count(story), story.calls()]).toEqual([1, ['x 1-2']]);
});

it('calls without any id are told apart by their number in the run: two parallel calls to three tabs count two', async () => {
  const story = new Story();
  const all = tabs();
  for (const on of all) for (let n = 0; n < 2; n++) story.sent('tool_executing', { tool: 'x', run: RUN, on });
  for (const on of all) for (let n = 0; n < 2; n++) story.sent('tool_completed', { tool: 'x', run: RUN, on });
  expect(await count(story)).toBe(2);
});

it('a tab that leaves orphans nothing while another waits for the end; the last one that leaves orphans it once', async () => {
  const story = new Story();
  const [a, b, c] = tabs();
  for (const on of [a, b, c]) story.sent('tool_executing', { tool: 'x', call: 'c1', run: RUN, on: on! });
  story.ended(a!);
  story.ended(b!);
  expect(await orphans(story)).toBe(0);
  story.ended(c!);
  expect([await orphans(story), await count(story), story.calls()]).toEqual([1, 0, ['x 1-3!']]);
});

it('a call that times out in all tabs is one orphan', async () => {
  const story = new Story();
  for (const on of tabs()) story.sent('tool_executing', { tool: 'x', call: 'c1', run: RUN, on });
  story.passed(60_003);
  expect([await orphans(story), story.watch.waiting]).toEqual([1, 0]);
});

it('the same short ids of clients that nobody knows are calls of their own; of one user they are one', async () => {
  const strangers = new Story();
  for (const on of tabs()) strangers.sent('tool_executing', { tool: 'x', call: 'c1', run: 'r1', on });
  strangers.passed(60_003);
  expect(await orphans(strangers)).toBe(3);
  const own = new Story();
  for (const on of tabs()) {
    on.claimedUser = 'ann';
    own.sent('tool_executing', { tool: 'x', call: 'c1', run: 'r1', on });
  }
  own.passed(60_003);
  expect(await orphans(own)).toBe(1);
});

it('the same id again after five seconds is another call', async () => {
  const story = new Story();
  const [a, b] = tabs();
  story.sent('tool_executing', { tool: 'x', call: 'c1', run: RUN, on: a! }).passed(5001);
  story.sent('tool_executing', { tool: 'x', call: 'c1', run: RUN, on: b! });
  story.sent('tool_completed', { tool: 'x', call: 'c1', run: RUN, on: a! });
  story.sent('tool_completed', { tool: 'x', call: 'c1', run: RUN, on: b! });
  expect(await count(story)).toBe(2);
});

it('calls of one name that go on for hours are told apart, and nothing is left of them afterwards', async () => {
  const story = new Story();
  const [a, b] = tabs();
  for (let n = 0; n < 50; n++) {
    for (const on of [a!, b!]) story.sent('tool_executing', { tool: 'x', run: RUN, on });
    for (const on of [a!, b!]) story.sent('tool_completed', { tool: 'x', run: RUN, on });
    story.passed(1000);
  }
  expect([await count(story), story.watch.openTools]).toEqual([50, 0]);
  expect(story.watch.waiting).toBe(1);
  story.passed(5001);
  expect(story.watch.waiting).toBe(0);
});

it('a tab that comes in the middle of a run joins the calls that start from then on', async () => {
  const story = new Story();
  const [a, b] = tabs();
  for (let n = 0; n < 3; n++) {
    story.sent('tool_executing', { tool: 'x', run: RUN, on: a! });
    story.sent('tool_completed', { tool: 'x', run: RUN, on: a! });
    story.passed(6000);
  }
  for (const on of [a!, b!]) story.sent('tool_executing', { tool: 'x', run: RUN, on });
  for (const on of [a!, b!]) story.sent('tool_completed', { tool: 'x', run: RUN, on });
  expect(await count(story)).toBe(4);
});
