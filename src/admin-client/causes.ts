// admin-client: the table of causes: what each ending usually means and what to do. Pure: the page imports it too.
import type { FailReason, UnverifiableReason } from '../delivery/words.ts';
import type { Cause } from './cause.ts';
import { UNVERIFIABLE } from './causes-unverifiable.ts';

/** Causes that a record tells by itself. */
const ENDINGS = {
  pending: {
    title: 'still waiting for the client',
    means: 'The event was sent. The evidence that its rule asks for has not come yet, and its deadline has not passed.',
    todo: ['Wait for the deadline, or follow it live with `ackspan tail`.'],
  },
  retrying: {
    title: 'tried again, still waiting for the client',
    means:
      'The first try did not bring the evidence that the rule asks for, so Ackspan tried again. The deadline has not passed.',
    todo: ['Wait for the deadline, or follow it live with `ackspan tail`.'],
  },
  confirmed: {
    title: 'confirmed',
    means: 'The client proved that it has the event, at the level that the rule asks for.',
    todo: [],
  },
  'failed: rejected': {
    title: 'the application rejected it',
    means: 'The event arrived. The client’s application answered that it could not handle it.',
    todo: [
      'Read the error text: it is the application’s own.',
      'Look at other deliveries of this type: if all are rejected, the releases of backend and client do not match.',
    ],
  },
  'failed: disconnected': {
    title: 'the connection ended first',
    means:
      'The connection ended before the client had proven that it has the event. What was sent shortly before such an end is often lost.',
    todo: [
      'Look at who ended the connection and with which code: 1001 is a page that went away, 1006 a cut, 1012 a restart.',
      'Use the SDK: its sessions outlive a connection, and what was missed is sent again (docs/sessions.md).',
    ],
  },
  'failed: shutdown': {
    title: 'the sidecar was stopped',
    means:
      'The sidecar got a signal to stop, usually because of a deploy or a scale-down. The client had not proven the event when the grace was over.',
    todo: [
      'Raise `shutdown.grace`, and the platform’s own grace above it.',
      'Let the load balancer take the instance out before the signal comes: readiness, and on Kubernetes `preStop`, so that the backend is still there.',
      'Emit state again when a client reconnects: a new instance knows nothing of the old one’s deliveries.',
    ],
  },
  'failed: limit': {
    title: 'a limit ended it',
    means: 'A limit of this process ended the delivery before the client could prove anything.',
    todo: ['Look at which limit is reached: `ackspan stats`. Raise it, or send less.'],
  },
  'failed: instance_lost': {
    title: 'the process that sent it died',
    means:
      'The sidecar was killed or crashed while this delivery was in flight, and its client had no session to come back to. The message may or may not have arrived.',
    todo: [
      'Find out why the process died: memory limit, crash, machine. Its last log lines are those before the restart.',
      'Let the client opt in (the SDK): its session outlives the process (docs/store.md).',
    ],
  },
  'failed: operator': {
    title: 'given up by hand',
    means: 'A person gave this delivery up through the admin API. That says nothing about whether the client has it.',
    todo: ['The sidecar’s log says who did it and why (audit line).'],
  },
  timeout: {
    title: 'the client fell silent',
    means:
      'The client had answered before, and then nothing came until the deadline: no pong and no word of the application. Usually the path is dead without either end knowing (half-open connection, sleeping device, lost network), or the client process stands still or reads nothing.',
    todo: [
      'Look at the connection: closed minutes later with 1006, its network had died. Still open with later deliveries confirmed, the client was slow for a while.',
      'Lower `limits.silence` so that dead paths are cut off sooner and the client reconnects.',
      'Use the SDK: it notices dead paths by itself and gets what it missed.',
    ],
  },
  ...UNVERIFIABLE,
} as const satisfies Record<EndingId, Cause>;

/**
 * Causes that need more evidence than the record: the connection's end, late proof, other sessions'
 * confirmations, or the fate of other deliveries.
 */
const REFINED = {
  confirmed_received: {
    title: 'confirmed: the client’s WebSocket stack has it',
    means:
      'The client answered the ping behind the event, so its WebSocket stack parsed the event. That does not prove that the application has looked at it.',
    todo: [
      'If the user still did not see it, look at the client: a blocked page, a handler that throws, a filter.',
      'To have the application’s word, confirm from the application (docs/client.md) and set `confirm: processed` for the type.',
    ],
  },
  confirmed_processed: {
    title: 'confirmed: the application handled it',
    means: 'The client’s application said itself that it has handled the event.',
    todo: ['If the user still did not see it, look at what the application does after it confirms.'],
  },
  not_processed: {
    title: 'received, and the application said nothing',
    means:
      'The client’s WebSocket stack has the event: it answered the ping behind it. The application never confirmed it before the deadline. Usually the page is frozen or throttled in the background, its handler hangs or throws, or it does not confirm this event type at all.',
    todo: [
      'Ask whether the application confirms this event type at all: `ackspan deliveries --type T --status confirmed`.',
      'Look at the client’s console and main thread: a blocked page answers pings and handles nothing.',
      'Set `confirm: auto` for the type if the application’s word is not needed.',
    ],
  },
  foreign_confirmation: {
    title: 'somebody else confirmed it',
    means:
      'The event reached its own client’s stack, whose application said nothing, and another session sent a confirmation for it. Ackspan turns such confirmations away: only the session that was sent an event can confirm it. Usually confirmations carry the wrong id, or two clients share state or a code path.',
    todo: [
      'Find the session that confirms what it was not sent; it is named in the evidence.',
      'Confirm with the id of the event that was handled, over the connection that it came on.',
    ],
  },
  slow_client: {
    title: 'it arrived after the deadline',
    means:
      'The proof came, but too late: the client has the event now. Usually the client reads slowly, its network is slow, or its page was suspended for a while.',
    todo: [
      'Compare the delay with the rule’s `timeout`: a deadline below what these users’ networks can do calls slow clients lost.',
      'Send less or smaller messages to slow clients.',
    ],
  },
  rejected_later: {
    title: 'received, then rejected by the application',
    means:
      'A pong proved that the client received the event, which confirmed the delivery. The application then said that it could not handle it. The outcome stays, because the event did arrive.',
    todo: [
      'Read the error text: it is the application’s own.',
      'Set `confirm: processed` where the application’s word should decide.',
    ],
  },
  client_gone: {
    title: 'the client’s connection broke',
    means:
      'The client’s side of the connection ended before the client had proven the event. Without a Close frame (1006) it is a lost network, a killed process, a proxy that cut the connection, or Ackspan itself, which cuts off clients that were silent for `limits.silence`.',
    todo: [
      'Look at how long the connection had been open: a round number of seconds is a proxy’s time-out.',
      'Use the SDK: the session outlives the connection, and what was missed is sent again.',
    ],
  },
  upstream_gone: {
    title: 'the backend ended the connection',
    means:
      'The backend closed the connection, or died, before the client had proven the event. Usually a crash, a restart or a deploy of the backend.',
    todo: [
      'Look at the backend’s log and exit code at that time.',
      'Let the backend close with a code and after its last events are confirmed.',
      'Use the SDK: a client that comes back gets what it missed, also over a new backend connection.',
    ],
  },
  not_back: {
    title: 'the client left and did not come back',
    means:
      'The client opted in to a session that outlives its connection. It went away and did not come back to this instance in time. Either it is offline, or its reconnection reached another instance, which knows nothing of this session.',
    todo: [
      'Ask the other instances for the user: `ackspan connections --user U --admin URL`.',
      'If it is connected there, turn on session affinity at the load balancer.',
      'If it is nowhere, raise `sessions.ttl` and the rule’s `timeout` together, for as long as users are away.',
    ],
  },
  moved_instance: {
    title: 'the client came back to another instance',
    means:
      'The client reconnected, but to another instance than the one that holds its session. Sessions live in one process, so the other instance could not send what was missed.',
    todo: [
      'Turn on session affinity at the load balancer (docs/scaling.md).',
      'Emit state again when a client comes back with `recovered: false`.',
    ],
  },
  storm: {
    title: 'many connections ended at once',
    means:
      'Many sessions lost deliveries for the same reason within seconds. That is one event of the network, a proxy, a load balancer or the backend, not the fault of single clients.',
    todo: [
      'Ask what changed or failed at that second: edge deploy, load balancer, node, network.',
      'Look at the close codes: `ackspan stats`.',
      'Spread reconnections: the SDK does so by itself.',
    ],
  },
  shed: {
    title: 'sent, and not tracked, because of a limit',
    means:
      'A limit on deliveries in flight or on memory was reached, so some events passed untracked. They were sent all the same, and nobody knows whether they arrived. LOW goes first, CRITICAL last.',
    todo: [
      'See which limit and which priorities: `ackspan stats`.',
      'Find what fills it: `ackspan top --by user`.',
      'Raise `limits.pending`, `limits.pending_per_user` or the memory, or shorten deadlines.',
    ],
  },
  unknown_here: {
    title: 'this sidecar knows no such event',
    means:
      'Neither the deliveries in flight nor the bounded history have it. Either it was never sent through this process, or it was not tracked, or it has left the history, or this process started later.',
    todo: [
      'Look at since when this process runs, and at what it shed or left untracked: `ackspan stats`.',
      'Ask the other instances.',
      'Look in the traces: the span of a delivery carries `messaging.message.id`.',
    ],
  },
} as const satisfies Record<string, Cause>;

/** An ending: the status of a record with its reason. */
export type EndingId =
  | 'pending'
  | 'retrying'
  | 'confirmed'
  | 'timeout'
  | `failed: ${FailReason}`
  | `unverifiable: ${UnverifiableReason}`;

export type CauseId = EndingId | keyof typeof REFINED;

/** Every cause by its name. */
export const CAUSES: Readonly<Record<CauseId, Cause>> = { ...ENDINGS, ...REFINED };

/** The cause for a word that a newer sidecar may say and this build does not know. */
export const UNKNOWN_CAUSE: Cause = {
  title: 'a reason that this build does not know',
  means: 'The sidecar is newer than what reads it here.',
  todo: ['Use the same version on both ends.'],
};

/** The members of a record that tell how a delivery ended. */
export interface EndingFacts {
  readonly status: string;
  readonly error_type: string | null;
  readonly unverifiable_reason: string | null;
}

/**
 * The ending that a delivery's own record tells; undefined for words that this build does not know.
 */
export function endingOf({ status, error_type, unverifiable_reason }: EndingFacts): EndingId | undefined {
  const name =
    status === 'failed'
      ? `failed: ${error_type}`
      : status === 'unverifiable'
        ? `unverifiable: ${unverifiable_reason}`
        : status;
  return Object.hasOwn(ENDINGS, name) ? (name as EndingId) : undefined;
}
