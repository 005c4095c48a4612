// connection: work at the end of a turn of the event loop, after all that the turn has read is relayed.

/** Work for the end of the turn. */
export interface Task {
  /** Must not throw, because later tasks would wait for the next turn. */
  atTurnEnd(): void;
}

let waiting: Task[] = [];

/** Calls `task.atTurnEnd()` after all sockets with input have been read, once for each request. */
export function whenTurnEnds(task: Task): void {
  if (waiting.length === 0) setImmediate(run);
  waiting.push(task);
}

function run(): void {
  const tasks = waiting;
  waiting = [];
  for (const task of tasks) task.atTurnEnd();
}
