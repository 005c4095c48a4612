// demo: the agent. A question becomes a plan, the plan's tools run, and the user gets an event for every step.
import { performance } from 'node:perf_hooks';
import { agentCompleted, agentStarted, agentThinking, type Run, usageReported } from './agent-events.ts';
import type { Dispatcher, Emit } from './dispatcher.ts';

/** What users ask. Each question needs one to three tools. */
export const QUESTIONS: readonly string[] = [
  'Which region is cheapest for 40 cores and 2 TB?',
  'What is 1200 EUR in USD, and what is known about half-open connections?',
  'What do people write about error budgets?',
  'Compare regions for 8 cores and 30 TB, tell me 310 USD in EUR, and read up about prices of cloud regions',
  'How much is 90000 JPY in CHF?',
];

/**
 * Answers one question: `agent_started`, then for each tool `agent_thinking` and its two events,
 * then `agent_completed` and `usage_reported`. Never rejects.
 */
export async function answer(question: string, run: Run, dispatcher: Dispatcher, emit: Emit): Promise<void> {
  const started = performance.now();
  const plan = dispatcher.tools.flatMap(({ name, plan }) => {
    const parameters = plan(question);
    return parameters === undefined ? [] : [{ name, parameters }];
  });
  emit(agentStarted(run));
  const learned: string[] = [];
  for (const [index, { name, parameters }] of plan.entries()) {
    emit(agentThinking(run, `${name} can help with: ${question}`, index + 1, plan.length));
    const outcome = await dispatcher.run(name, parameters, run, emit);
    learned.push(`${name}: ${outcome.ok ? JSON.stringify(outcome.result) : outcome.error}`);
  }
  const response = learned.join('; ') || 'No tool helps with that.';
  emit(agentCompleted(run, response, performance.now() - started));
  emit(usageReported(run, plan.length, response.length));
}
