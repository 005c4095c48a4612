// demo: the events of an agent run, in the shapes that real agent back ends send.
import { randomBytes } from 'node:crypto';
import type { ToolOutcome } from './dispatcher.ts';
import type { Fields } from './tools.ts';

/** One agent run for one user. */
export interface Run {
  readonly id: string;
  readonly user: string;
  /** W3C trace context of the run; undefined = this run is not traced. */
  readonly traceparent: string | undefined;
  /** Numbers the tool calls of the run, from 1. */
  nextCall(): number;
}

const AGENT = 'Optimizer';

/** Starts a run. Every second run is traced. `number` is unique in the process. */
export function createRun(number: number, user: string): Run {
  const traced = number % 2 === 1;
  let calls = 0;
  return {
    id: `run_${number}`,
    user,
    traceparent: traced ? `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01` : undefined,
    nextCall: () => ++calls,
  };
}

function stamp(): string {
  return new Date().toISOString();
}

function eventId(type: string, run: Run): string {
  return `${type}_${run.user}_${run.id}_${Date.now()}_${randomBytes(4).toString('hex')}`;
}

function trace({ traceparent }: Run): Fields {
  return traceparent === undefined ? {} : { trace: { traceparent } };
}

/** The run has begun. */
export function agentStarted(run: Run): Fields {
  const message = `${AGENT} has started`;
  return {
    ...{ type: 'agent_started', run_id: run.id, user_id: run.user, agent_name: AGENT, timestamp: stamp() },
    payload: { status: 'started', context: {}, message },
    ...trace(run),
  };
}

/** Step `step` of `steps`. */
export function agentThinking(run: Run, reasoning: string, step: number, steps: number): Fields {
  return {
    ...{ timestamp: stamp(), type: 'agent_thinking', reasoning, user_id: run.user, run_id: run.id, agent_name: AGENT },
    step_number: step,
    progress_percentage: Math.round((100 * step) / steps),
    metadata: run.traceparent === undefined ? {} : { traceparent: run.traceparent },
  };
}

/**
 * A tool starts. Odd calls carry the id beside the payload and inside its parameters, even calls
 * inside `data`.
 */
export function toolExecuting(run: Run, call: number, tool: string, parameters: Fields): Fields {
  const event_id = eventId('tool_executing', run);
  const tool_call_id = `${run.id}_call_${call}`;
  if (call % 2 === 1) {
    return {
      ...{ type: 'tool_executing', run_id: run.id, user_id: run.user, agent_name: AGENT, timestamp: stamp() },
      payload: {
        ...{ tool_name: tool, tool_call_id, parameters: { ...parameters, event_id }, status: 'executing' },
        message: `${AGENT} is using ${tool}`,
      },
      event_id,
      ...trace(run),
    };
  }
  const data = { tool_name: tool, tool_call_id, parameters, run_id: run.id, user_id: run.user, event_id };
  return { type: 'tool_executing', data, timestamp: stamp(), critical: true, attempt: null, ...trace(run) };
}

/** The call of the run, by number, its tool, and how long it ran. */
export interface ToolRun {
  readonly call: number;
  readonly tool: string;
  readonly ms: number;
}

/** A tool has ended, well or badly. The id is inside the result. */
export function toolCompleted(run: Run, { call, tool, ms }: ToolRun, outcome: ToolOutcome): Fields {
  const event_id = eventId('tool_completed', run);
  const tool_call_id = `${run.id}_call_${call}`;
  const result = outcome.ok ? outcome.result : { error: outcome.error };
  const status = outcome.ok ? 'completed' : 'failed';
  const execution_time_ms = Math.round(ms * 10) / 10;
  const base = { type: 'tool_completed', run_id: run.id, user_id: run.user, agent_name: AGENT, timestamp: stamp() };
  if (call % 2 === 1) {
    const data = { result, execution_time_ms, status, message: 'done', tool_call_id };
    return { ...base, tool_name: tool, results: { event_id, ...result }, data, ...trace(run) };
  }
  const payload = { tool_name: tool, tool_call_id, result: { event_id, ...result }, execution_time_ms, status };
  return { ...base, payload, ...trace(run) };
}

/** The run has ended. */
export function agentCompleted(run: Run, finalResponse: string, ms: number): Fields {
  return {
    ...{ type: 'agent_completed', critical: true, status: 'completed', final_response: finalResponse },
    ...{ result: { ok: true }, execution_time_ms: Math.round(ms), run_id: run.id, user_id: run.user },
    ...{ agent_name: AGENT, timestamp: stamp(), metadata: {} },
    ...trace(run),
  };
}

/** Reports how much was used: an event that no user would miss. */
export function usageReported(run: Run, tools: number, characters: number): Fields {
  return { type: 'usage_reported', run_id: run.id, data: { user_id: run.user, tools, characters }, timestamp: stamp() };
}
