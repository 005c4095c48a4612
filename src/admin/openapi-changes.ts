// admin: the shapes of changes and their results as JSON Schema (OpenAPI 3.1). A test checks real answers.
import { UNCHANGED_REASONS } from '../delivery/operator.ts';
import { ATTEMPT_RESULTS } from '../delivery/words.ts';
import { count, counts, exactly, ref, text } from './openapi-parts.ts';
import { REPLAY_DEFAULT, REPLAY_LIMIT } from './replay.ts';

const why = {
  reason: { ...text, minLength: 1, maxLength: 500, description: 'Why, for the audit line in the log.' },
  by: { ...text, minLength: 1, maxLength: 100, description: 'Who, as the caller says it.' },
};

export const CHANGE_SCHEMAS: Readonly<Record<string, object>> = {
  Login: exactly({ token: { ...text, minLength: 1 } }),
  Logout: exactly({}),
  ReloadRequest: exactly({}),
  Reloaded: exactly({
    changed: { type: 'array', items: text, description: 'The keys whose values changed, as in the file.' },
  }),
  Drain: exactly({
    state: { enum: ['serving', 'draining', 'drained'] },
    connections: { ...count, description: 'Open ones.' },
    pending: { ...count, description: 'Deliveries in flight.' },
  }),
  LoggedIn: exactly({ logged_in: { type: 'boolean' } }),
  ChangeRequest: exactly(why, ['by']),
  Change: exactly({
    action: { enum: ['resend', 'confirm', 'fail'] },
    result: { enum: [...ATTEMPT_RESULTS, null], description: "For `resend`: the attempt's result." },
    delivery: ref('Delivery'),
  }),
  ReplayRequest: exactly(
    {
      filter: {
        type: 'object',
        minProperties: 1,
        description: 'Parameters of `/api/v1/deliveries`, each a text or a list of texts.',
      },
      limit: { type: 'integer', minimum: 1, maximum: REPLAY_LIMIT, default: REPLAY_DEFAULT },
      dry_run: { type: 'boolean', default: false, description: 'Says what would be done, and does nothing.' },
      ...why,
    },
    ['limit', 'dry_run', 'by'],
  ),
  Replay: exactly({
    dry_run: { type: 'boolean' },
    matched: { ...count, description: 'Open deliveries that the filter means, up to `limit`, oldest first.' },
    sent: { ...count, description: 'Sent again, or would be.' },
    blocked: { ...count, description: 'No room in the budget of resends, or the client does not read.' },
    failed: count,
    skipped: counts(UNCHANGED_REASONS, 'Left as they are, by reason.'),
    more: { type: 'boolean', description: 'Whether more match than `limit`.' },
    deliveries: {
      type: 'array',
      items: exactly({ id: text, result: { enum: [...ATTEMPT_RESULTS, ...UNCHANGED_REASONS, 'would_send'] } }),
    },
  }),
};
