// page: what each ending of a delivery usually means, and what to do about it, for every reason of the API.
import type { ErrorType, UnverifiableReason } from '../delivery/words.ts';

/**
 * A reason why a delivery ended otherwise than confirmed. `failed` and `unverifiable` both know the
 * reasons `limit` and `operator`.
 */
export type Reason = Exclude<ErrorType, ''> | UnverifiableReason;

export interface Advice {
  /** One line that says what is known. */
  readonly known: string;
  /** What the ending usually means. */
  readonly means: string;
  /** What to do, most useful first. */
  readonly todo: readonly string[];
}

/** The advice for an ending. The status decides where two statuses know the same reason. */
export function adviceFor(status: string, reason: string | null): Advice | undefined {
  if (reason === null) return undefined;
  const own = OWN[`${status}: ${reason}`];
  // A case from a file may name anything as its reason.
  return own ?? (Object.hasOwn(ADVICE, reason) ? ADVICE[reason as Reason] : undefined);
}

const ADVICE: Readonly<Record<Reason, Advice>> = {
  timeout: {
    known: 'The connection answered before, and stayed silent until the deadline.',
    means:
      'The path to the client is dead without either side knowing (a phone that lost its network, a laptop that sleeps, a NAT entry that ' +
      'expired), or the client is alive and reads nothing: its page is frozen or its buffers are full.',
    todo: [
      'Look at the connection beside the time line: closed minutes later with 1006 means that the network died.',
      'Other deliveries of this connection confirmed after this one? Then it was slow, not dead: look at what blocks its page, or raise the deadline of the rule.',
      'Let the client opt in (the SDK): what it missed is sent again when it comes back.',
    ],
  },
  disconnected: {
    known: 'The client went before it had shown that it got the message.',
    means:
      'A closed tab, a reload, a lost network that was noticed, or a backend or proxy that cut the connection. The message may or may not have arrived.',
    todo: [
      'See who closed the connection, and with which code: 1001 is a page that went away, 1006 a cut, 1012 a restart.',
      'Many at one moment point at a deploy or a proxy: compare the times of other closes.',
      'Let the client opt in (the SDK), so that its session outlives the connection.',
    ],
  },
  rejected: {
    known: 'The message arrived, and the application said that it could not handle it.',
    means:
      'A bug or a mismatch between backend and front end: an unknown event type, a field that is missing, an exception in the handler.',
    todo: [
      'Read the error text above: it is what the application said.',
      'Look at other deliveries of this type: if all are rejected, the versions of backend and front end do not match.',
    ],
  },
  shutdown: {
    known: 'The sidecar was stopped before the client had shown that it got the message.',
    means: 'A deploy or a scale-in whose grace was too short, or clients that did not answer in it.',
    todo: [
      'Give the stop more time: shutdown.grace, and the grace of the platform (Cloud Run 10 s, Kubernetes terminationGracePeriodSeconds).',
      'On Kubernetes let preStop begin the drain, so that the backend is still there.',
    ],
  },
  limit: {
    known: 'A limit ended it.',
    means: 'More deliveries are in flight than limits.pending or limits.pending_per_user allow.',
    todo: ['Find out who has so many in flight (users by pending), then raise the limit or slow the sender.'],
  },
  instance_lost: {
    known: 'The sidecar process that sent it died before the client had shown that it got the message.',
    means:
      'A crash, a kill or a lost machine. The client had no session to come back to. The message may or may not have arrived.',
    todo: [
      'Find out why the process died: its memory limit, a crash, the machine.',
      'Let the client opt in (the SDK): its session outlives the process (docs/store.md).',
    ],
  },
  operator: {
    known: 'Somebody ended it by hand.',
    means: 'The log has a line with stage "audit" that says who and why.',
    todo: ['Search the log for the id of this delivery.'],
  },
  never_answered: {
    known: 'This connection never answered a ping, so nobody can say whether messages arrive.',
    means: 'A proxy or load balancer on the way drops pongs, or the client is not a full WebSocket stack.',
    todo: [
      'Compare paths: if all clients behind one edge never answer, the edge drops control frames.',
      'Let the application confirm its events (one line of code, or the SDK): that passes every edge.',
    ],
  },
  client_left: {
    known: 'The client closed in good order right behind the message, and could not answer any more.',
    means: 'An ordinary goodbye. The last messages before it cannot be proven by a ping.',
    todo: [
      'Nothing, if it is rare. For last messages that matter let the application confirm, or let the backend wait before it ends a run.',
    ],
  },
  closed: {
    known: 'The client received it. The connection was closed from the other side before the application said more.',
    means:
      'The backend ends its connections, or the sidecar stopped, while the application still works on the message.',
    todo: [
      'Nothing, if the application goes on with what it has: the message came.',
      'Let the backend wait with its Close frame until the application has answered, or raise limits.patience.',
    ],
  },
  ambiguous: {
    known: "The application's word may be about an earlier message with the same event id.",
    means: 'The backend sent one event id more than once, and the client confirmed it once.',
    todo: ['Give every event an id of its own.', 'Look at the other deliveries of the event, listed below.'],
  },
};

/** Advice by status and reason, where `ADVICE` means another status. */
const OWN: Readonly<Record<string, Advice>> = {
  'unverifiable: limit': {
    known: 'It gave its place to a critical event, because a limit was full.',
    means:
      'More deliveries are in flight than limits.pending or limits.pending_per_user allow. The message itself went through.',
    todo: ['Find out who has so many in flight (users by pending), then raise the limit or slow the sender.'],
  },
  'unverifiable: operator': {
    known:
      'Somebody closed it by hand. That is no evidence of receipt, so it is in neither part of the confirmation rate.',
    means: 'The log has a line with stage "audit" that says who and why.',
    todo: ['Search the log for the id of this delivery.'],
  },
};
