// admin-client: the causes of endings that nobody can verify, by reason; a part of the table in causes.ts.
import type { UnverifiableReason } from '../delivery/words.ts';
import type { Cause } from './cause.ts';

export const UNVERIFIABLE = {
  'unverifiable: never_answered': {
    title: 'nothing on this connection answers pings',
    means:
      'The connection never answered one barrier ping, so nobody can say whether the client has the event. It is not called lost. Usually an edge, gateway or CDN in between drops pongs or answers pings itself, or a home-made client ignores pings.',
    todo: [
      'List such connections: `ackspan connections --capability none`. One path or one address in common names the edge.',
      'Let pings and pongs pass through that edge.',
      'Where that cannot be had, confirm from the application (one line, or the SDK).',
    ],
  },
  'unverifiable: client_left': {
    title: 'the client closed right behind it',
    means:
      'The client closed in good order right after the event was sent, and a closing client answers no more pings. Nobody can say whether it read the event.',
    todo: [
      'Nothing, if users simply left.',
      'Wait with closing until the last event is handled, if it is the application that closes.',
    ],
  },
  'unverifiable: closed': {
    title: 'closed before the application was done with it',
    means:
      'The client received the event. Then the backend closed the connection, or the sidecar stopped, and the application had not said that it was done. A closed connection carries no more words, so nobody can say whether it was.',
    todo: [
      'Nothing, if the application goes on with what it has: the event came.',
      'Let the backend wait with its Close frame until the application has answered, or raise `limits.patience`.',
    ],
  },
  'unverifiable: ambiguous': {
    title: 'a confirmation that may mean an older event',
    means:
      'The backend sent this event id more than once, and the application’s confirmation may mean the earlier message. Nobody can say which.',
    todo: ['Give every message an id of its own.', 'Look at the other deliveries of the same event.'],
  },
  'unverifiable: limit': {
    title: 'it gave way to a more important event',
    means:
      'So many deliveries were in flight that this one stopped being tracked, to make room for a CRITICAL one. The event itself was sent.',
    todo: [
      'Find what fills the limit: `ackspan stats` and `ackspan top --by user`.',
      'Raise `limits.pending` or `limits.pending_per_user`, or shorten deadlines.',
    ],
  },
  'unverifiable: operator': {
    title: 'closed by hand',
    means: 'A person closed this delivery through the admin API. That is no evidence that the client has it.',
    todo: ['The sidecar’s log says who did it and why (audit line).'],
  },
} as const satisfies Record<`unverifiable: ${UnverifiableReason}`, Cause>;
