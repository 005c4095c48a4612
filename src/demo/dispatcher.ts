// demo: the tool dispatcher: a tool runs between `tool_executing` and `tool_completed`, received or not.
import { performance } from 'node:perf_hooks';
import { type Run, toolCompleted, toolExecuting } from './agent-events.ts';
import type { Fields, Tool } from './tools.ts';

/** Sends one event to the user. Returns false, or throws, when the event could not be sent. */
export type Emit = (event: Fields) => boolean;

/** How a tool ended. */
export type ToolOutcome =
  | { readonly ok: true; readonly result: Fields }
  | { readonly ok: false; readonly error: string };

/** The registered tools, and the one way to run them. */
export interface Dispatcher {
  readonly tools: readonly Tool[];
  /** Throws for a name that is taken. */
  register(tool: Tool): void;
  /**
   * Runs a tool between its two events. A tool that throws, or is unknown, has an outcome. A socket
   * that fails does not concern the tool.
   */
  run(name: string, parameters: Fields, run: Run, emit: Emit): Promise<ToolOutcome>;
}

/** `work` is awaited before each result. It stands for the time that a remote tool takes. */
export function createDispatcher(work: () => Promise<void>): Dispatcher {
  const tools = new Map<string, Tool>();
  return {
    get tools() {
      return [...tools.values()];
    },
    register(tool) {
      if (tools.has(tool.name)) throw new Error(`the tool ${tool.name} is registered already`);
      tools.set(tool.name, tool);
    },
    async run(name, parameters, run, emit) {
      const call = run.nextCall();
      const started = performance.now();
      tell(emit, toolExecuting(run, call, name, parameters));
      await work();
      const outcome = attempt(tools.get(name), name, parameters);
      tell(emit, toolCompleted(run, { call, tool: name, ms: performance.now() - started }, outcome));
      return outcome;
    },
  };
}

function attempt(tool: Tool | undefined, name: string, parameters: Fields): ToolOutcome {
  if (tool === undefined) return { ok: false, error: `there is no tool ${name}` };
  try {
    return { ok: true, result: tool.run(parameters) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Failures are not reported: the sidecar proves what became of an event, and the tool goes on
 * either way.
 */
function tell(emit: Emit, event: Fields): void {
  try {
    emit(event);
  } catch {}
}
