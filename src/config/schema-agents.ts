// config: the part of the table of keys that is about who a connection belongs to, and about the agents whose events it carries.
import { duration, list, oneOf, text, whole } from './kinds.ts';
import { secretKey, url, userSource } from './kinds-identity.ts';
import { maybe, row } from './row.ts';

const names = list(text('the name of an event type'), 'a list of event types such as [tool_executing]', 100);
const minute = 60_000;

/** Who a connection belongs to. */
export const identityRows = [
  row(
    'identity.user',
    list(userSource, `a list of sources: ${userSource.allowed}`, 20),
    'Where the user of a connection is found. The first source that says something decides; a bad token, and values that contradict each other, name nobody. `event`: the first event that names a user does, if no other source said anything. None: no connection has a user. A user that is not proven (`identity.trust`) is shown as `claimed_user` and grants nothing.',
    { preset: () => [] },
  ),
  row(
    'identity.trust',
    oneOf(['none', 'upstream']),
    'What proves a user. `none`: only a JWT that Ackspan verifies (`identity.jwt_key`, `identity.jwks_url`). `upstream`: also that the backend accepted the request, because it refuses every request whose sources it has not checked itself.',
    { written: 'none' },
  ),
  row(
    'identity.jwt_from',
    list(oneOf(['authorization', 'subprotocol', 'query']), 'a list of `authorization`, `subprotocol`, `query`', 3),
    'Where a JWT may be: `Authorization: Bearer`, an entry `jwt.<token>` of `Sec-WebSocket-Protocol` (raw or base64url), a query parameter.',
    { written: 'authorization' },
  ),
  row(
    'identity.jwt_query',
    list(text('the name of a query parameter'), 'a list of names of query parameters', 20),
    'Query parameters that may hold a JWT, where `identity.jwt_from` has `query`.',
    { written: 'token, access_token, jwt' },
  ),
  maybe(
    'identity.jwt_key',
    secretKey,
    'Verify JWTs with this key. Without it, and without `identity.jwks_url`, they are only decoded, and prove nothing unless `identity.trust` is `upstream`.',
    { secret: true },
  ),
  maybe(
    'identity.jwks_url',
    url,
    'Verify JWTs with the keys found there. Fetched when the first token comes; while they cannot be had, connections open without a user.',
  ),
  maybe('identity.jwt_issuer', text('an issuer'), 'The `iss` that a verified JWT must have.'),
  maybe('identity.jwt_audience', text('an audience'), 'An `aud` that a verified JWT must have.'),
  row(
    'identity.timeout',
    duration(10, minute),
    'How long an upgrade waits for its JWT to be verified; then it goes on without a user.',
    { written: '2s' },
  ),
] as const;

/** Tools and runs of agents. */
export const agentRows = [
  row('tools.start', names, 'Event types that start a tool call. Their rules must track them.', {
    written: 'tool_executing',
  }),
  row('tools.end', names, 'Event types that end one: together they are a span `execute_tool`.', {
    written: 'tool_completed',
  }),
  row(
    'tools.orphan_after',
    duration(100, 24 * 60 * minute),
    'A tool call whose end was not sent for so long ends as an error and is counted as orphaned.',
    { written: '60s' },
  ),
  row('tools.limit', whole(1, 1_000_000), 'Open tool calls that are watched; the oldest gives way.', {
    written: 10_000,
  }),
  row('runs.start', names, 'Event types that start an agent run (or a nested agent of it).', {
    written: 'agent_started',
  }),
  row('runs.step', names, 'Event types that belong between start and end of a run, besides tools.', {
    written: 'agent_thinking',
  }),
  row('runs.end', names, 'Event types that end a run; what comes after is out of order.', {
    written: 'agent_completed, agent_error',
  }),
  row(
    'runs.silent_after',
    duration(1000, 24 * 60 * minute),
    'A run that started and had no agent event for so long is counted as missing its end.',
    { written: '5m' },
  ),
  row('runs.limit', whole(1, 1_000_000), 'Runs that are watched; the one that was silent the longest gives way.', {
    written: 10_000,
  }),
] as const;
