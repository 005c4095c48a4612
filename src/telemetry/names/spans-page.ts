// telemetry: docs/spans.md, written from the names of spans, events and attributes.
import { ATTR, SPAN, SPAN_EVENT } from './span-names.ts';

type Key = keyof typeof ATTR;

/** What an attribute says. */
const MEANINGS: Readonly<Record<Key, string>> = {
  messagingSystem: 'Always `websocket`.',
  operationName: 'Always `send`.',
  operationType: 'Always `send`.',
  destination: 'The event type as the event spells it, also past `events.max_types`.',
  messageId: "The event's id; without one, the id that Ackspan gave the delivery.",
  conversationId: "The run's id, if the event has one.",
  bodySize: 'Bytes of the message, uncompressed; missing where the message was not read.',
  protocolName: 'Always `websocket`.',
  serverAddress: 'The host that the client connected to, without the port.',
  serverPort: 'The port of that host.',
  toolName: "The tool's name.",
  toolCallId: 'The id of the call.',
  genAiOperation: 'Always `execute_tool`.',
  genAiConversation: "The run's id.",
  toolOrphanedBy: 'Why the end of the call will not be seen: `timeout` or `session_end`.',
  userHash:
    'HMAC-SHA-256 of the user under `tracing.user_hash_key`, 32 hex digits; missing without a key. A span never has the user id itself.',
  errorType:
    'What went wrong: an `error_type` of the metrics, or `orphaned` for a tool call. Only on spans whose status is an error.',
  unverified: 'Why Ackspan cannot say whether the client has the event.',
  priority: '`critical`, `high`, `normal` or `low`.',
  outcome: '`confirmed`, `failed`, `timeout` or `unverifiable`; `pending` or `retrying` while the delivery is open.',
  level: 'The highest evidence: `received` or `processed`; missing when there is none.',
  attempts: 'Attempts so far, the send included.',
  connectionId: 'Names the connection in spans, logs and the admin API.',
  connectionCapability: 'The highest evidence that the client has given: `none`, `received` or `processed`.',
  connectionCloseCode: 'The code of the first Close frame; 1006 = there was none.',
  connectionClosedBy: '`client`, `upstream` or `sidecar`.',
  connectionCloseReason: 'The text of that Close frame, if it has one.',
  urlPath: 'The path of the upgrade request, without its query.',
  userAgent: "The family of the client's User-Agent: `Chrome`, `Safari`, `python-websockets` …",
  peerAddress: "The client's address, where `tracing.peer_address` is on.",
  runEvents: 'Events of the run, in all its sessions.',
  httpStatus: 'The HTTP status of a handshake that became no connection.',
  attemptKind: '`probe`, `resend`, `replay` or `reemit`.',
  attemptNumber: 'From 2: the send is 1.',
  attemptDelay: 'Seconds since the previous attempt.',
  attemptResult: '`sent`, `blocked` or `failed`.',
};

/** One kind of span, or of event, with what it may carry. */
interface Carrier {
  readonly name: string;
  readonly text: string;
  readonly attributes: readonly Key[];
}

export const SPAN_CARRIERS: readonly Carrier[] = [
  {
    name: `${SPAN.sendPrefix}{event type}`,
    text:
      'One delivery, from the send to the outcome; kind PRODUCER. Its parent is the `traceparent` in the event, else that of the upgrade ' +
      'request, else the span of its run; it links to the span of the connection. The status is an error unless the delivery was confirmed ' +
      'or is unverifiable.',
    attributes: [
      ...(['messagingSystem', 'operationName', 'operationType', 'destination', 'messageId', 'conversationId'] as const),
      ...(['bodySize', 'protocolName', 'serverAddress', 'serverPort', 'connectionId', 'userHash', 'toolName'] as const),
      ...(['toolCallId', 'priority', 'outcome', 'level', 'attempts', 'errorType', 'unverified'] as const),
    ],
  },
  {
    name: SPAN.connection,
    text:
      'One client connection, from the upgrade to its end; kind SERVER. A handshake that became no connection has one too, where ' +
      '`tracing.propagate` is `always`. It is exported when it was chosen, and whenever an exported span links to it.',
    attributes: [
      ...(['serverAddress', 'serverPort', 'connectionId', 'protocolName', 'userHash', 'connectionCapability'] as const),
      ...(['connectionCloseCode', 'connectionCloseReason', 'connectionClosedBy', 'httpStatus'] as const),
      ...(['urlPath', 'userAgent', 'peerAddress'] as const),
    ],
  },
  {
    name: SPAN.connectionOpen,
    text:
      'A connection that is open: a short child of its span, exported once, `tracing.pending_after` after the upgrade, because the span ' +
      'itself is exported only at its end.',
    attributes: [
      ...(['serverAddress', 'serverPort', 'connectionId', 'protocolName', 'userHash', 'urlPath'] as const),
      ...(['userAgent', 'peerAddress'] as const),
    ],
  },
  {
    name: SPAN.deliveryPending,
    text:
      'A delivery that is open: a child of its span, exported once, `tracing.pending_after` after the send. With a store the span itself ' +
      'ends under the same id even if the process was killed meanwhile. At most one delivery in a hundred has one.',
    attributes: [
      ...(['messagingSystem', 'operationName', 'operationType', 'destination', 'messageId', 'conversationId'] as const),
      ...(['bodySize', 'protocolName', 'serverAddress', 'serverPort', 'connectionId', 'userHash', 'toolName'] as const),
      ...(['toolCallId', 'priority', 'outcome', 'level', 'attempts'] as const),
    ],
  },
  {
    name: SPAN.run,
    text:
      'A run whose events bring no `traceparent`; kind INTERNAL. Its deliveries and tool calls are its children, in all sessions that the run ' +
      'is sent to: a run id of 16 characters or more is taken for unique, a shorter one within its user or session. It ends with the run ' +
      '(`runs.end`), or when the run goes silent.',
    attributes: ['genAiConversation', 'runEvents'],
  },
  {
    name: `${SPAN.toolPrefix}{tool}`,
    text:
      'One tool call of an agent, from the event that starts it to the one that ends it (`tools.start`, `tools.end`); kind INTERNAL. A call ' +
      'that several sessions see is one. A call whose end was not seen in time ends as an error.',
    attributes: [
      ...(['genAiOperation', 'toolName', 'toolCallId', 'genAiConversation', 'connectionId', 'errorType'] as const),
      'toolOrphanedBy',
    ],
  },
];

const EVENTS: readonly Carrier[] = [
  {
    name: SPAN_EVENT.attempt,
    text: 'An attempt after the send.',
    attributes: ['attemptKind', 'attemptNumber', 'attemptDelay', 'attemptResult'],
  },
  { name: SPAN_EVENT.received, text: "Evidence that the client's WebSocket stack has the event.", attributes: [] },
  { name: SPAN_EVENT.confirmed, text: 'The delivery was confirmed, at this level.', attributes: ['level'] },
];

const INTRODUCTION = `# Spans

<!-- Written by \`npm run docs\` from src/telemetry/names/. Change it there. -->

Spans go to the collector that the \`OTEL_EXPORTER_OTLP_…\` variables name. Without a collector there
are no spans. A delivery that was not confirmed, or was confirmed slowly (\`tracing.slow\`), always
exports its span; \`tracing.keep_confirmed\` is the exported share of the others. Names follow
OpenTelemetry's messaging and GenAI conventions where these have one, and begin with \`ackspan.\` where
they have none. No payload, no token and no user id is ever in a span.
`;

/** The whole of docs/spans.md. */
export function spansPage(): string {
  const events = [
    '## Events of a delivery\n',
    'On the span, as log records with its context, or both: `tracing.events`.\n',
    '| event | what it says | attributes |',
    '|---|---|---|',
    ...EVENTS.map(({ name, text, attributes }) => `| \`${name}\` | ${text} | ${names(attributes)} |`),
    '',
  ];
  return [INTRODUCTION, ...SPAN_CARRIERS.map(section), events.join('\n'), attributeTable()].join('\n');
}

function section({ name, text, attributes }: Carrier): string {
  return `## \`${name}\`\n\n${text}\n\nAttributes: ${names(attributes)}.\n`;
}

const names = (keys: readonly Key[]): string => keys.map((key) => `\`${ATTR[key]}\``).join(', ') || '–';

function attributeTable(): string {
  const lines = Object.entries(ATTR).map(([key, name]) => `| \`${name}\` | ${MEANINGS[key as Key]} |`);
  return ['## Attributes\n', '| attribute | what it says |', '|---|---|', ...lines, ''].join('\n');
}
