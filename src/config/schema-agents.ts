// config: keys about the user of a connection, and about the agents whose events it carries.
import { duration, list, oneOf, text, whole } from './kinds.ts';
import { secretKey, url, userSource } from './kinds-identity.ts';
import { maybe, row } from './row.ts';

const names = list(text('the name of an event type'), 'a list of event types such as [tool_executing]', 100);
const minute = 60_000;

/** The user of a connection. */
export const identityRows = [
  row(
    'identity.user',
    list(userSource, `a list of sources: ${userSource.allowed}`, 20),
    'Where the user of a connection is found. The first source with a value decides. A bad token, or values that contradict each other, leave the connection without a user. `event`: the first event that names a user decides, if no other source has a value. Without sources no connection has a user. A user that is not proven (`identity.trust`) is shown as `claimed_user` and grants nothing.',
    { preset: () => [] },
  ),
  row(
    'identity.trust',
    oneOf(['none', 'upstream']),
    'What proves a user. `none`: only a JWT that Ackspan verifies (`identity.jwt_key`, `identity.jwks_url`). `upstream`: also the fact that the backend accepted the request; the operator says with it that the backend refuses every request whose sources it has not checked itself.',
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
    'The key that verifies JWTs. Without this key and `identity.jwks_url`, JWTs are only decoded, and prove nothing unless `identity.trust` is `upstream`.',
    { secret: true },
  ),
  maybe(
    'identity.jwks_url',
    url,
    'The address of the keys that verify JWTs. Ackspan fetches the keys when the first token comes. While it has no keys, connections open without a user.',
  ),
  maybe('identity.jwt_issuer', text('an issuer'), 'The `iss` that a verified JWT must have.'),
  maybe('identity.jwt_audience', text('an audience'), 'An `aud` that a verified JWT must have.'),
  row(
    'identity.timeout',
    duration(10, minute),
    'How long an upgrade waits for its JWT to be verified. Then the upgrade goes on without a user.',
    { written: '2s' },
  ),
] as const;

/** Tools and runs of agents. */
export const agentRows = [
  row('tools.start', names, 'Event types that start a tool call. Their rules must track them.', {
    written: 'tool_executing',
  }),
  row('tools.end', names, 'Event types that end a tool call. Start and end together are a span `execute_tool`.', {
    written: 'tool_completed',
  }),
  row(
    'tools.orphan_after',
    duration(100, 24 * 60 * minute),
    'How long the end of a tool call may be missing before the call ends as an error and is counted as orphaned.',
    { written: '60s' },
  ),
  row('tools.limit', whole(1, 1_000_000), 'Open tool calls that are watched. Beyond the limit the oldest gives way.', {
    written: 10_000,
  }),
  row('runs.start', names, 'Event types that start an agent run (or a nested agent of it).', {
    written: 'agent_started',
  }),
  row('runs.step', names, 'Event types that belong between start and end of a run, besides tools.', {
    written: 'agent_thinking',
  }),
  row('runs.end', names, 'Event types that end a run. Events of the run that come later are out of order.', {
    written: 'agent_completed, agent_error',
  }),
  row(
    'runs.silent_after',
    duration(1000, 24 * 60 * minute),
    'How long a run may have no agent event before it is counted as missing its end.',
    { written: '5m' },
  ),
  row(
    'runs.limit',
    whole(1, 1_000_000),
    'Runs that are watched. Beyond the limit the run that was silent the longest gives way.',
    {
      written: 10_000,
    },
  ),
] as const;
