// channels: steps of connections and deliveries on node:diagnostics_channel, so that one of them can be followed.
import { type Channel, channel } from 'node:diagnostics_channel';

/** One channel: what its messages tell, and the members of each message. */
interface Row {
  readonly name: string;
  readonly text: string;
  readonly members: Readonly<Record<string, string>>;
}

const connection = 'id of the connection, as in the admin API';
const session = 'id of the session that the connection carries';
const at = 'monotonic time of the step, ms';
const code = 'code of the Close frame; 1006 = none';
const reason = 'text of the Close frame';
const delivery = 'id of the delivery';

/** Every channel, in the order in which a connection passes them. */
export const CHANNELS = {
  turnedAway: {
    name: 'ackspan:upgrade:turned_away',
    text: 'An upgrade was refused here and goes to no upstream: malformed, over a limit, or at the stop.',
    members: {
      url: 'target of the request, with secrets in its query',
      remote: 'address of the client',
      status: 'answer to the client',
      reason: 'text of that answer',
    },
  },
  upgradeAsked: {
    name: 'ackspan:upgrade:asked',
    text: 'A WebSocket handshake was let in and goes to the upstream.',
    members: { connection, url: 'target of the request, with secrets in its query', remote: 'address of the client' },
  },
  upgradeRefused: {
    name: 'ackspan:upgrade:refused',
    text: 'That handshake became no connection.',
    members: { connection, status: 'answer to the client; 0 = the client left before' },
  },
  opened: {
    name: 'ackspan:connection:opened',
    text: 'A client is joined to its upstream connection.',
    members: {
      connection,
      session,
      path: 'path of the request',
      rejoined: 'whether the upstream connection is an earlier one',
      at,
    },
  },
  capability: {
    name: 'ackspan:connection:capability',
    text: 'The client has shown that it can prove more.',
    members: { connection, from: '`none`, `received` or `processed`', to: 'the same' },
  },
  resumed: {
    name: 'ackspan:session:resumed',
    text: 'A client of the SDK was greeted.',
    members: {
      connection,
      session,
      recovered: 'whether it goes on with its session',
      replays: 'messages that it is sent again',
    },
  },
  replaced: {
    name: 'ackspan:connection:replaced',
    text: 'A newer connection carries the session from here on. The client of this one gets that Close frame.',
    members: { connection, session, code, reason },
  },
  parked: {
    name: 'ackspan:connection:parked',
    text: 'The client is gone and expected back; the upstream connection is kept.',
    members: { connection, session, code, at },
  },
  closing: {
    name: 'ackspan:connection:closing',
    text: 'The client can prove nothing more. Its deliveries get their outcomes, and later messages reach nobody.',
    members: { connection, session, by: '`client`, `upstream` or `sidecar`', code, at },
  },
  closed: {
    name: 'ackspan:connection:closed',
    text: 'Both sockets are closed.',
    members: { connection, session, by: '`client`, `upstream` or `sidecar`', code, reason, at },
  },
  tracked: {
    name: 'ackspan:delivery:tracked',
    text: 'A delivery has begun: its message is about to be written to the client.',
    members: {
      delivery,
      session,
      event: 'id of the event, if it has one',
      type: 'type of the event',
      ordinal: 'number of its message in the session',
      at,
    },
  },
  attempted: {
    name: 'ackspan:delivery:attempted',
    text: 'A delivery was tried again.',
    members: {
      delivery,
      kind: '`probe`, `resend`, `replay` or `reemit`',
      number: 'number of the attempt',
      result: '`sent`, `blocked` or `failed`',
      at,
    },
  },
  received: {
    name: 'ackspan:delivery:received',
    text: 'A barrier behind the message was answered: the client’s stack has it.',
    members: { delivery, at },
  },
  settled: {
    name: 'ackspan:delivery:settled',
    text: 'A delivery has its outcome.',
    members: {
      delivery,
      status: '`confirmed`, `failed`, `timeout` or `unverifiable`',
      level: 'level that is proven; empty = none',
      error: 'why it is lost; empty = it is not',
      at,
    },
  },
} as const satisfies Record<string, Row>;

type Steps = typeof CHANNELS;
export type Step = keyof Steps;
/** A message of a channel has exactly the members of its row. */
export type Message<S extends Step> = { readonly [M in keyof Steps[S]['members']]: unknown };

const open = Object.fromEntries(Object.entries(CHANNELS).map(([step, { name }]) => [step, channel(name)])) as Record<
  Step,
  Channel
>;

/** Tells a step, if a program in this process listens. `message` is made only then. */
export function tellStep<S extends Step>(step: S, message: () => Message<S>): void {
  if (open[step].hasSubscribers) open[step].publish(message());
}

/** Whether a program in this process listens to that step now. */
export function isHeard(step: Step): boolean {
  return open[step].hasSubscribers;
}
