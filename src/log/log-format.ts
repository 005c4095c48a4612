// log: the spelling of level, message and trace in a log line: our own, or Google Cloud Logging's on Cloud Run.

/** The parts of a line that differ between platforms. */
export interface LogFormat {
  /** Key of the message. */
  readonly messageKey: string;
  /** The field for a level of pino's. */
  level(label: string): Record<string, string>;
  /** The fields of a line. More are added where they name a trace (`trace_id`, `span_id`). */
  fields(fields: Record<string, unknown>): Record<string, unknown>;
}

const PLAIN: LogFormat = {
  messageKey: 'msg',
  level: (level) => ({ level }),
  fields: (fields) => fields,
};

/** Severities of Google's LogEntry for pino's levels. */
const SEVERITY: Readonly<Record<string, string>> = {
  trace: 'DEBUG',
  debug: 'DEBUG',
  info: 'INFO',
  warn: 'WARNING',
  error: 'ERROR',
  fatal: 'CRITICAL',
};

/**
 * The format on Cloud Run (K_SERVICE is set): `severity`, `message` and the
 * `logging.googleapis.com/…` fields of structured logging, by which the Logs Explorer joins lines
 * to traces. The full trace name needs the project: GOOGLE_CLOUD_PROJECT, which Cloud Run does not
 * set.
 */
export function logFormat(env: Readonly<Record<string, string | undefined>>): LogFormat {
  if (!env.K_SERVICE) return PLAIN;
  const project = env.GOOGLE_CLOUD_PROJECT;
  return {
    messageKey: 'message',
    level: (label) => ({ severity: SEVERITY[label] ?? 'DEFAULT' }),
    fields(fields) {
      const { trace_id: trace, span_id: span } = fields;
      if (!project || typeof trace !== 'string' || typeof span !== 'string') return fields;
      return {
        ...fields,
        'logging.googleapis.com/trace': `projects/${project}/traces/${trace}`,
        'logging.googleapis.com/spanId': span,
        'logging.googleapis.com/trace_sampled': true,
      };
    },
  };
}
