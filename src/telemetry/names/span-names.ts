// telemetry: names of spans, of their events and of their attributes, each spelled once. A public interface.

/** Span names. An event type past the limit is named `other`, so that names stay few. */
export const SPAN = {
  /**
   * Prefix of a delivery's span: `send {event type}` (messaging conventions: operation and
   * destination).
   */
  sendPrefix: 'send ',
  connection: 'ackspan.connection',
  /** A connection that is open: a child of `connection`, which ends only with it. */
  connectionOpen: 'ackspan.connection.open',
  /**
   * A delivery that is still open: a child of the delivery's span, which ends only with the
   * outcome.
   */
  deliveryPending: 'ackspan.delivery.pending',
  /** A run whose events bring no trace. */
  run: 'ackspan.run',
  /** Prefix of a tool call's span: `execute_tool {tool}` (GenAI conventions). */
  toolPrefix: 'execute_tool ',
} as const;

/** Names of span events (or of log events, where those are chosen). */
export const SPAN_EVENT = {
  attempt: 'ackspan.delivery.attempt',
  received: 'ackspan.delivery.received',
  confirmed: 'ackspan.delivery.confirmed',
} as const;

/**
 * Keys of span and span-event attributes; the standard ones are those of the OpenTelemetry semantic
 * conventions.
 */
export const ATTR = {
  messagingSystem: 'messaging.system',
  operationName: 'messaging.operation.name',
  operationType: 'messaging.operation.type',
  destination: 'messaging.destination.name',
  messageId: 'messaging.message.id',
  conversationId: 'messaging.message.conversation_id',
  bodySize: 'messaging.message.body.size',
  protocolName: 'network.protocol.name',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  toolName: 'gen_ai.tool.name',
  toolCallId: 'gen_ai.tool.call.id',
  /** GenAI conventions: `execute_tool`. */
  genAiOperation: 'gen_ai.operation.name',
  genAiConversation: 'gen_ai.conversation.id',
  /** `timeout` or `session_end`. */
  toolOrphanedBy: 'ackspan.tool.orphaned_by',
  userHash: 'user.hash',
  errorType: 'error.type',
  /** Why Ackspan cannot say how an unverifiable delivery ended. */
  unverified: 'ackspan.delivery.unverifiable_reason',
  priority: 'ackspan.delivery.priority',
  outcome: 'ackspan.delivery.outcome',
  level: 'ackspan.delivery.level',
  attempts: 'ackspan.delivery.attempts',
  connectionId: 'ackspan.connection.id',
  connectionCapability: 'ackspan.connection.capability',
  connectionCloseCode: 'ackspan.connection.close.code',
  connectionClosedBy: 'ackspan.connection.closed_by',
  connectionCloseReason: 'ackspan.connection.close.reason',
  /** The path of the upgrade request, without its query (URL conventions). */
  urlPath: 'url.path',
  userAgent: 'user_agent.name',
  peerAddress: 'network.peer.address',
  runEvents: 'ackspan.run.events',
  /** The HTTP status of a handshake that became no connection (HTTP conventions). */
  httpStatus: 'http.response.status_code',
  attemptKind: 'ackspan.attempt.kind',
  attemptNumber: 'ackspan.attempt.number',
  /** Seconds since the previous attempt. */
  attemptDelay: 'ackspan.attempt.delay',
  attemptResult: 'ackspan.attempt.result',
} as const;
