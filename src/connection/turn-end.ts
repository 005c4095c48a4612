// connection: work that can wait until everything that this turn of the event loop has read is relayed. One queue per process, one immediate per turn.

/** Something to do at the end of the turn. */
export interface Task {
  /** Must not throw: the tasks behind it would wait for the next turn. */
  atTurnEnd(): void;
}

let waiting: Task[] = [];

/** Calls `task.atTurnEnd()` when the sockets that had something to read have been read; as often as it was asked for. */
export function whenTurnEnds(task: Task): void {
  if (waiting.length === 0) setImmediate(run);
  waiting.push(task);
}

function run(): void {
  const tasks = waiting;
  waiting = [];
  for (const task of tasks) task.atTurnEnd();
}
