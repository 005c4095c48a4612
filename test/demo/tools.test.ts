// The demo's tools compute, its dispatcher tells of every run, and an agent's events have the shapes that the decoder knows.
import { describe, expect, it } from 'vitest';
import { DEFAULTS } from '../../src/cli/defaults.ts';
import { createDecoder } from '../../src/decode/decoder.ts';
import { answer, QUESTIONS } from '../../src/demo/agent.ts';
import { createRun } from '../../src/demo/agent-events.ts';
import { createDispatcher } from '../../src/demo/dispatcher.ts';
import { eventIdOf } from '../../src/demo/event-id.ts';
import { costAnalyzer, currencyConverter, type Fields, webSearch } from '../../src/demo/tools.ts';
import { NO_CLAIM } from '../support/upgrades.ts';

function dispatcherOfAll() {
  const dispatcher = createDispatcher(async () => {});
  for (const tool of [costAnalyzer, currencyConverter, webSearch]) dispatcher.register(tool);
  return dispatcher;
}

/** The events that one call emits, and its outcome. */
async function call(name: string, parameters: Fields, emit?: () => boolean) {
  const events: Fields[] = [];
  const outcome = await dispatcherOfAll().run(
    name,
    parameters,
    createRun(1, 'u1'),
    emit ?? ((event) => events.push(event) > 0),
  );
  return { events, outcome };
}

describe('tools', () => {
  it('cost_analyzer prices every region, cheapest first', () => {
    const result = costAnalyzer.run({ cores: 40, terabytes: 2 });
    expect(result).toMatchObject({ cheapest: 'eu-north', saved: 180.8 });
    expect((result.bills as object[])[0]).toEqual({ region: 'eu-north', monthly: 898.4 });
  });

  it('currency_converter goes by way of the dollar', () => {
    expect(currencyConverter.run({ amount: 1200, from: 'EUR', to: 'USD' })).toEqual({ amount: 1308, currency: 'USD' });
    expect(currencyConverter.run({ amount: 113, from: 'USD', to: 'CHF' })).toEqual({ amount: 100, currency: 'CHF' });
  });

  it('web_search ranks rare words above common ones', () => {
    const result = webSearch.run({ q: 'half-open connections' });
    expect((result.top as { title: string }[])[0]!.title).toBe('Half-open connections');
    expect(webSearch.run({ q: 'zebra' })).toEqual({ hits: 0, top: [] });
  });

  it.each([
    [costAnalyzer, { cores: 0, terabytes: 2 }, 'cores must be a number above 0'],
    [currencyConverter, { amount: 5, from: 'EUR', to: 'XXX' }, 'no rate from EUR to XXX'],
    [webSearch, { q: '?' }, 'q must hold a word'],
  ] as const)('$name throws for parameters that make no sense', (tool, parameters, message) => {
    expect(() => tool.run(parameters)).toThrow(message);
  });

  it('plans only what a question asks for, and every question needs somebody', () => {
    const planners = [costAnalyzer, currencyConverter, webSearch];
    const plans = QUESTIONS.map((question) => planners.flatMap(({ plan }) => plan(question) ?? []));
    expect(plans.map((plan) => plan.length)).toEqual([1, 2, 1, 3, 1]);
    expect(plans[1]).toEqual([{ amount: 1200, from: 'EUR', to: 'USD' }, { q: 'half-open connections' }]);
  });
});

describe('dispatcher', () => {
  it('tells before and after a run, with the result', async () => {
    const { events, outcome } = await call('currency_converter', { amount: 2, from: 'USD', to: 'USD' });
    expect(outcome).toEqual({ ok: true, result: { amount: 2, currency: 'USD' } });
    expect(events.map((event) => event.type)).toEqual(['tool_executing', 'tool_completed']);
    expect(events[1]).toMatchObject({ results: { amount: 2 }, data: { status: 'completed' } });
  });

  it.each([
    ['currency_converter', { amount: -1 }, 'amount must be a number above 0'],
    ['telescope', {}, 'there is no tool telescope'],
  ])('%s with bad input completes as failed', async (name, parameters, error) => {
    const { events, outcome } = await call(name, parameters);
    expect(outcome).toEqual({ ok: false, error });
    expect(events[1]).toMatchObject({ type: 'tool_completed', data: { status: 'failed', result: { error } } });
  });

  it('a tool succeeds although its events cannot be sent', async () => {
    const { outcome } = await call('web_search', { q: 'pong' }, () => {
      throw new Error('the socket is closed');
    });
    expect(outcome).toMatchObject({ ok: true, result: { hits: 1 } });
  });

  it('takes each name once', () => {
    expect(() => dispatcherOfAll().register(webSearch)).toThrow('the tool web_search is registered already');
  });
});

it('an agent run is recognised by the default rules: type, run, user, tool, call, trace and id', async () => {
  const reader = createDecoder({
    ...DEFAULTS.events,
    confirmations: DEFAULTS.confirmations,
    unread: 'track',
    maxTypes: 200,
    scanBytes: 65_536,
  }).open(NO_CLAIM);
  const texts: string[] = [];
  const run = createRun(1, 'u1');
  await answer(QUESTIONS[1]!, run, dispatcherOfAll(), (event) => texts.push(JSON.stringify(event)) > 0);
  const facts = texts.map((text) => {
    const bytes = Buffer.from(text);
    // The decoder fills one object again and again.
    return { ...reader.event(bytes, 0, bytes.length)! };
  });
  const tools = ['tool_executing', 'tool_completed'];
  const step = ['agent_thinking', ...tools];
  expect(facts.map((each) => each.type.name)).toEqual([
    'agent_started',
    ...step,
    ...step,
    'agent_completed',
    'usage_reported',
  ]);
  for (const [index, each] of facts.entries()) {
    expect(each).toMatchObject({ run: 'run_1', user: 'u1' });
    expect(each.id, 'sidecar and client application find the same id').toBe(eventIdOf(texts[index]!)?.id);
    if (!tools.includes(each.type.name)) continue;
    expect(each.id).toMatch(new RegExp(`^${each.type.name}_u1_run_1_`));
    const call = index < 4 ? { tool: 'currency_converter', toolCall: 'run_1_call_1' } : { tool: 'web_search' };
    expect(each).toMatchObject({ ...call, traceparent: run.traceparent });
  }
  expect(facts[0]!.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  expect(createRun(2, 'u1').traceparent, 'every second run is not traced').toBeUndefined();
});
