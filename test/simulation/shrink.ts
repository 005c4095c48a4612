// Simulation: makes a failing schedule as small as it gets: fewer actions, fewer messages, a plainer setup, while it fails in the same way.
import type { FailureKind } from './history.ts';
import type { Action, Schedule, Setup } from './schedule.ts';

/** Whether a schedule still fails that way. */
export type Fails = (schedule: Schedule) => Promise<boolean>;

/** `tries`: schedules played at most. */
export async function shrink(schedule: Schedule, fails: Fails, tries = 600): Promise<Schedule> {
  let left = tries;
  let best = schedule;
  const attempt = async (candidate: Schedule): Promise<boolean> => {
    if (left-- <= 0 || !(await fails(candidate))) return false;
    best = candidate;
    return true;
  };
  for (let before = -1; before !== size(best) && left > 0; ) {
    before = size(best);
    await dropActions(() => best, attempt);
    await dropMessages(() => best, attempt);
    await simplify(() => best, attempt);
  }
  return best;
}

function size({ actions, setup }: Schedule): number {
  return JSON.stringify(actions).length + JSON.stringify(setup).length;
}

async function dropActions(best: () => Schedule, attempt: Fails): Promise<void> {
  for (let count = Math.ceil(best().actions.length / 2); count >= 1; count = count === 1 ? 0 : Math.ceil(count / 2)) {
    for (let from = 0; from < best().actions.length; ) {
      const actions = best().actions.filter((_, i) => i < from || i >= from + count);
      if (!(await attempt({ ...best(), actions }))) from += count;
    }
  }
}

async function dropMessages(best: () => Schedule, attempt: Fails): Promise<void> {
  for (let i = 0; i < best().actions.length; i++) {
    for (let j = 0; ; ) {
      const action = best().actions[i]!;
      if (action.do !== 'emit' || j >= action.messages.length) break;
      const fewer: Action = { ...action, messages: action.messages.filter((_, k) => k !== j) };
      if (!(await attempt(withAction(best(), i, fewer)))) j++;
    }
    const action = best().actions[i]!;
    if (action.do !== 'emit') continue;
    const plain: Action = {
      ...action,
      messages: action.messages.map((one) => ({ ...one, size: 0, pieces: 1, compressed: false })),
    };
    if (JSON.stringify(plain) !== JSON.stringify(action)) await attempt(withAction(best(), i, plain));
    if (action.to.length > 1) await attempt(withAction(best(), i, { ...action, to: action.to.slice(0, 1) }));
  }
}

function withAction(schedule: Schedule, at: number, action: Action): Schedule {
  return { ...schedule, actions: schedule.actions.map((one, i) => (i === at ? action : one)) };
}

const PLAIN_CLIENT = {
  jitter: 0,
  cuts: 0,
  capacity: 262_144,
  deflate: 'off',
  readsAhead: false,
  pongs: 'all',
  repeats: 0,
  rejects: 0,
  confirms: 0,
  wordDelay: 0,
  answersClose: true,
  pongsWhileClosing: true,
  rtt: 40,
  user: undefined,
  sdk: false,
} as const;

const PLAIN_SETUP: Partial<Setup> = {
  backendCuts: 0,
  backendRtt: 0,
  backendCapacity: 262_144,
  cost: 0.01,
  history: 1000,
  pending: 1000,
  pendingPerUser: 1000,
  messageBytes: 65_536,
  retainedBytes: 100_000,
  reemits: false,
  silenceMs: 0,
  attemptsMs: [],
  connections: 100,
};

async function simplify(best: () => Schedule, attempt: Fails): Promise<void> {
  for (const [key, value] of Object.entries(PLAIN_SETUP)) {
    const { setup } = best();
    if (JSON.stringify(setup[key as keyof Setup]) === JSON.stringify(value)) continue;
    await attempt({ ...best(), setup: { ...setup, [key]: value } });
  }
  for (let i = 0; i < best().setup.clients.length; i++) {
    for (const [key, value] of Object.entries(PLAIN_CLIENT)) {
      const { setup } = best();
      const client = setup.clients[i]!;
      if (client[key as keyof typeof client] === value) continue;
      const clients = setup.clients.map((one, k) => (k === i ? { ...one, [key]: value } : one));
      await attempt({ ...best(), setup: { ...setup, clients } });
    }
  }
}

export type { FailureKind };
