// telemetry: the role of an event type in an agent run: one look-up by the type's index on the hot path.
import type { EventType } from '../../delivery/policy.ts';

/** A run starts, goes on and ends; within it tools start and end. `none`: not an agent event. */
export type AgentRole = 'none' | 'run_start' | 'run_step' | 'run_end' | 'tool_start' | 'tool_end';

/** Event types by role, by their exact names. A type named twice plays the first role. */
export type AgentEvents = Readonly<Record<Exclude<AgentRole, 'none'>, readonly string[]>>;

/** Finds the role of a type. */
export function createAgentRoles(events: AgentEvents): (type: EventType) => AgentRole {
  const named = new Map<string, AgentRole>();
  for (const role of ['tool_start', 'tool_end', 'run_start', 'run_end', 'run_step'] as const)
    for (const name of events[role]) if (!named.has(name)) named.set(name, role);
  const byIndex: (AgentRole | undefined)[] = [];

  function learn({ name, index }: EventType): AgentRole {
    const role = named.get(name) ?? 'none';
    while (byIndex.length <= index) byIndex.push(undefined);
    // Types past the limit share index 0: there only the name tells them apart.
    if (index !== 0) byIndex[index] = role;
    return role;
  }

  return (type) => byIndex[type.index] ?? learn(type);
}
