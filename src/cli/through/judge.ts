// cli: what was seen of probes, judged: each finding with what it means for evidence, and what to do. Pure.
import { type FarHello, type FarReport, PROBE_PROTOCOLS } from '../../front/far-end.ts';
import { type Finding, finding } from './finding.ts';
import { PROBE_QUERY, type Refused } from './probe.ts';

/** Clocks that differ by less are as good as equal, ms; an HTTP date has whole seconds. */
const SKEW_MS = 2_000;

/** Why nothing could be seen. */
export function judgeRefusal({ status, reason }: Refused): Finding {
  const seen = status === 0 ? `No connection: ${reason}.` : `The handshake was answered ${status} ${reason}`.trim();
  if (status === 0)
    return finding('reach', 'bad', seen, 'See whether the address, its name and its certificate are right.');
  if (status === 101) return finding('reach', 'bad', `${reason}.`, 'Set check.path, and name its path in --through.');
  if (status === 403)
    return finding(
      'reach',
      'bad',
      `${seen}.`,
      'Use the admin.token of the sidecar behind the address, and see that the clocks agree; or the edge itself refuses.',
    );
  if (status === 404)
    return finding('reach', 'bad', `${seen}.`, 'Set check.path on the sidecar: the far end is closed by default.');
  if (status === 400 || status === 426)
    return finding(
      'reach',
      'bad',
      `${seen}.`,
      'Let the edge pass on Upgrade and Connection: it turned the WebSocket into a plain request.',
    );
  return finding('reach', 'bad', `${seen}.`, 'See the log of the edge: the answer is not the sidecar’s.');
}

/** A handshake that fails with subprotocols, and does not without. */
function judgeFailedProtocols(reason: string): Finding {
  return finding(
    'subprotocol',
    'bad',
    `A handshake that offers subprotocols fails (${reason}), and one without does not: the offer or its answer is taken out on the way.`,
    PASS_PROTOCOLS,
  );
}

const PASS_PROTOCOLS =
  'Have the edge pass Sec-WebSocket-Protocol on unchanged: backends choose by it, browsers insist on an answer, and a JWT in it (jwt.…) is an identity.';

/** What the handshake was at both ends. */
export interface Handshake {
  readonly hello: FarHello;
  readonly protocol: string;
  readonly extensions: string;
}

export function judgeHandshake({ hello, protocol, extensions }: Handshake, failed: string | undefined): Finding[] {
  const subprotocol = failed === undefined ? judgeProtocol(hello, protocol) : judgeFailedProtocols(failed);
  return [subprotocol, judgeQuery(hello), judgeCompression(hello, extensions)];
}

function judgeProtocol({ protocols, protocol: agreed }: FarHello, protocol: string): Finding {
  const arrived = protocols.split(',').map((each) => each.trim());
  if (PROBE_PROTOCOLS.every((each) => arrived.includes(each)) && agreed === protocol)
    return finding('subprotocol', 'good', 'Subprotocols come through, both ways.');
  const seen =
    protocols === ''
      ? 'The offered subprotocols (Sec-WebSocket-Protocol) were taken out on the way.'
      : agreed !== protocol
        ? `The sidecar agreed to the subprotocol "${agreed}", and here came "${protocol}".`
        : `Of the offered subprotocols only "${protocols}" came through.`;
  return finding('subprotocol', 'bad', seen, PASS_PROTOCOLS);
}

function judgeQuery({ query }: FarHello): Finding {
  if (query === PROBE_QUERY) return finding('query', 'good', 'The query comes through unchanged.');
  return finding(
    'query',
    'bad',
    query === '' ? 'The query was taken out on the way.' : `The query was sent as ${PROBE_QUERY} and came as ${query}.`,
    'Have the edge pass the query on as it is: the SDK opts in and resumes by it (ackspan=1, ackspan_token …).',
  );
}

function judgeCompression({ extensions: offered, agreed }: FarHello, extensions: string): Finding {
  const [came, got, here] = [offered, agreed, extensions].map((each) => each.includes('permessage-deflate'));
  if (came && got && here) return finding('compression', 'good', 'Compression is agreed on end to end.');
  if (!came && !here)
    return finding(
      'compression',
      'note',
      'The edge takes the offer of compression out: messages go uncompressed.',
      'Nothing is wrong with that for Ackspan; a client pays with bandwidth.',
    );
  return finding(
    'compression',
    'note',
    'The edge compresses towards clients itself: it ends the WebSocket and begins another one.',
    'See the findings on pings: what ends a WebSocket may answer its pings too.',
  );
}

/** What became of a ping each way: `X` from here, `Y` from there. */
export interface Pinged {
  readonly mine: string;
  readonly theirs: string;
  /** What came here, in order. */
  readonly heard: readonly string[];
  readonly pongs: readonly string[];
  /** What came there; undefined = the far end did not say. */
  readonly report: FarReport | undefined;
}

export function judgePings(pinged: Pinged): Finding[] {
  const { report } = pinged;
  if (report === undefined)
    return [finding('pings', 'unknown', 'The far end did not answer when it was asked what it had got.')];
  return [judgeBarrier(pinged, report), judgeClientPing(pinged, report), ...judgeOrder(pinged)];
}

/** The sidecar's ping to the client: what proves receipt. */
function judgeBarrier({ theirs, heard }: Pinged, { pongs }: FarReport): Finding {
  const came = heard.includes(`ping ${theirs}`);
  const answered = pongs.includes(theirs);
  if (came && answered)
    return finding('pings', 'good', 'The sidecar’s pings reach the client, and its pongs come back.');
  if (!came && answered)
    return finding(
      'pings',
      'bad',
      'The edge answers the sidecar’s pings itself: the client never saw them.',
      'Do not trust `received` behind this edge: it would prove that the edge has a message. Use one that passes pings on, or confirm: processed in the rules with a client that confirms.',
    );
  return finding(
    'pings',
    'bad',
    came ? 'The client’s pongs do not come back.' : 'The sidecar’s pings do not reach the client.',
    'Deliveries end `unverifiable` behind this edge unless the application confirms. Have the edge pass control frames on, or use the SDK.',
  );
}

/**
 * The client's ping to the sidecar: how the SDK and backends' libraries see whether a path is
 * alive.
 */
function judgeClientPing({ mine, pongs: here }: Pinged, { pings }: FarReport): Finding {
  if (pings.includes(mine) && here.includes(mine))
    return finding('client_pings', 'good', 'A client’s pings reach the sidecar, and their pongs come back.');
  if (here.includes(mine))
    return finding(
      'client_pings',
      'note',
      'The edge answers a client’s pings itself.',
      'A client that pings sees that the edge is alive, not that the backend is. The SDK asks the sidecar itself.',
    );
  return finding(
    'client_pings',
    'note',
    'A client’s pings are not answered.',
    'Clients must not rely on pings of their own here.',
  );
}

/** A pong proves what came before its ping, so a ping must not overtake messages. */
function judgeOrder({ theirs, heard }: Pinged): Finding[] {
  const at = ['before', 'ping', 'after'].map((word) => heard.indexOf(`${word} ${theirs}`));
  if (at.includes(-1)) return [];
  const inOrder = at[0]! < at[1]! && at[1]! < at[2]!;
  return inOrder
    ? [finding('order', 'good', 'Pings keep their place between messages.')]
    : [
        finding(
          'order',
          'bad',
          'A ping of the sidecar did not keep its place between two messages.',
          'Do not trust `received` behind this edge: a pong proves what came before its ping, and here it may come first.',
        ),
      ];
}

/** Which process each of several connections reached. */
export function judgeAffinity(instances: readonly string[], shared: boolean): Finding {
  const different = new Set(instances).size;
  if (different === 1)
    return finding(
      'affinity',
      'good',
      `All ${instances.length} connections of one client reached the same instance.`,
      'Where there is one instance only, this says nothing yet: scale to two and look again.',
    );
  const seen = `${instances.length} connections of one client reached ${different} instances.`;
  return shared
    ? finding(
        'affinity',
        'note',
        seen,
        'Sessions go on anyway: the store is shared. Affinity would save a claim for each resume.',
      )
    : finding(
        'affinity',
        'bad',
        seen,
        'A client that resumes may reach an instance that does not know its session. Turn session affinity on (by cookie or address), or share the store.',
      );
}

/**
 * A time that was told between two moments of this machine's clock; ms since the epoch, all of
 * them.
 */
export interface Told {
  readonly at: number;
  readonly from: number;
  readonly until: number;
}

/**
 * The clock of the sidecar, and that of the program that wrote the `Date` header; undefined = there
 * is no such header.
 */
export function judgeClock(far: Told, date: Told | undefined): Finding {
  const off = outside(far);
  // An HTTP date is cut to whole seconds.
  const dated = date === undefined ? 0 : outside({ ...date, from: date.from - 1000 });
  const advice =
    'Set the clocks by NTP: exp and nbf of a JWT, resume tokens over instances, signatures of notices and times in traces go by them.';
  if (Math.abs(off) < SKEW_MS && Math.abs(dated) < SKEW_MS)
    return finding(
      'clock',
      'good',
      date === undefined
        ? 'The clocks of this machine and of the sidecar agree to 2 s; no Date header came.'
        : 'The clocks of this machine, of the sidecar and of the Date header agree to 2 s.',
    );
  if (Math.abs(off) < SKEW_MS)
    return finding(
      'clock',
      'note',
      `The Date header is ${shown(dated)}; the sidecar’s clock agrees with this machine’s.`,
      advice,
    );
  // Two of three clocks that agree are believed.
  const alone = date !== undefined && Math.abs(off - dated) < SKEW_MS + 1000;
  return alone
    ? finding(
        'clock',
        'note',
        `This machine’s clock differs from two others: the sidecar’s and the Date header are ${shown(off)} of it.`,
        advice,
      )
    : finding('clock', 'bad', `The sidecar’s clock is ${shown(off)} of this machine’s.`, advice);
}

/** By how much a time lies outside a span, ms; negative = before it. */
function outside({ at, from, until }: Told): number {
  return at < from ? at - from : at > until ? at - until : 0;
}

function shown(ms: number): string {
  return `${Math.abs(ms / 1000).toFixed(0)} s ${ms < 0 ? 'behind' : 'ahead'}`;
}

/** What the process behind the address says of itself. */
export function judgeFacts({ facts: { store, descriptors } }: FarHello): Finding[] {
  const found: Finding[] = [];
  const { allowed, needed } = descriptors;
  if (allowed === null)
    found.push(finding('descriptors', 'unknown', 'The sidecar’s system does not say how many files it may open.'));
  else if (allowed < needed)
    found.push(
      finding(
        'descriptors',
        'bad',
        `The sidecar may open ${allowed} files, and limits.connections needs ${needed}.`,
        `Raise ulimit -n (LimitNOFILE, the container’s ulimits) to ${needed}, or lower limits.connections.`,
      ),
    );
  else
    found.push(
      finding('descriptors', 'good', `The sidecar may open ${allowed} files; limits.connections needs ${needed}.`),
    );
  if (store.degraded !== null)
    found.push(
      finding(
        'store',
        'bad',
        `The store does not work: ${store.degraded}.`,
        'See docs/store.md: until it does, nothing outlives the process.',
      ),
    );
  else if (store.kind === 'memory')
    found.push(
      finding(
        'store',
        'note',
        'Nothing outlives the process (store: memory).',
        'Name a store to keep sessions over restarts.',
      ),
    );
  else found.push(finding('store', 'good', `The store (${store.kind}) works.`));
  return found;
}
