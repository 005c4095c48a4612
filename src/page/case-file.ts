// page: everything that is known of a delivery or a connection as one JSON file, which the page of any machine opens.
import type { AboutJson, ConnectionDetailJson, DeliveryDetailJson, MessageJson } from '../admin/shapes.ts';
import { member } from './har.ts';

/** A shared case. `format` grows when a reader of an older format could misread the file. */
export interface CaseFile {
  readonly ackspan_case: 1;
  readonly made_at: string;
  readonly service: string;
  readonly version: string;
  readonly delivery: DeliveryDetailJson | null;
  readonly connection: ConnectionDetailJson | null;
  /** Messages, newest first. */
  readonly messages: readonly MessageJson[];
}

export function writeCase(
  about: Pick<AboutJson, 'service' | 'version'>,
  parts: Pick<CaseFile, 'delivery' | 'connection' | 'messages'>,
  withPayloads: boolean,
): CaseFile {
  const { delivery, connection, messages } = parts;
  const shared = withPayloads ? messages : messages.map((each) => ({ ...each, payload: null, cut: false }));
  const { service, version } = about;
  return {
    ackspan_case: 1,
    made_at: new Date().toISOString(),
    service,
    version,
    delivery,
    connection,
    messages: shared,
  };
}

/** Whether a file claims to be a case. */
export function isCase(file: unknown): boolean {
  return member(file, 'ackspan_case') !== undefined;
}

/**
 * Reads a case strictly: every member that is shown has the type that the page expects. The answer
 * is a text that says what is wrong where one has not.
 */
export function readCase(file: unknown): CaseFile | string {
  if (member(file, 'ackspan_case') !== 1)
    return 'This case was made by another version of Ackspan, and cannot be read here.';
  const given = file as CaseFile;
  const wrong =
    fault(given, TOP, 'file') ??
    (given.delivery === null ? undefined : (fault(given.delivery, DELIVERY, 'delivery') ?? deep(given.delivery))) ??
    (given.connection === null ? undefined : fault(given.connection, CONNECTION, 'connection')) ??
    steps(member(given.connection, 'life'), LIFE, 'connection.life') ??
    given.messages.map((each, i) => fault(each, MESSAGE, `messages[${i}]`)).find((each) => each !== undefined);
  if (wrong !== undefined) return `This case cannot be read: ${wrong}.`;
  return given.delivery === null && given.connection === null ? 'This case is empty.' : given;
}

/**
 * Types of an object's members: a name that `typeof` gives, `list`, or `object`. A `?` at its end
 * allows null, and a `-` allows the member to be missing.
 */
type Shape = Readonly<Record<string, string>>;

const TOP: Shape = {
  made_at: 'time',
  service: 'string',
  version: 'string',
  delivery: 'object?',
  connection: 'object?',
  messages: 'list',
};
const DELIVERY: Shape = {
  ...{ id: 'string', event_id: 'string?', type: 'string', priority: 'string', status: 'string', error_type: 'string?' },
  ...{ unverifiable_reason: 'string?', level: 'string?', required: 'string', attempts: 'number', session: 'string' },
  ...{ user: 'string?', run: 'string?', tool: 'string?', tool_call: 'string?', ordinal: 'number', bytes: 'number' },
  ...{ kept: 'boolean', sent_at: 'time', deadline_at: 'time', received_ms: 'number?', settled_ms: 'number?' },
  ...{ rejected_ms: 'number?', trace_id: 'string?' },
};
const DETAIL: Shape = {
  error_text: 'string?',
  connection: 'string?',
  sent_over: 'object?',
  timeline: 'list',
  same_event: 'object',
};
const STEP: Shape = {
  ...{ step: 'string', at: 'time', after_ms: 'number', number: 'number-', delay_ms: 'number-', result: 'string-' },
  ...{ level: 'string-', error_type: 'string-', reason: 'string-' },
};
const CONNECTION: Shape = {
  ...{ id: 'string', session: 'string', user: 'string?', claimed_user: 'string?', capability: 'string' },
  ...{ opened_at: 'time', closed_at: 'time?', closed_by: 'string?', close_code: 'number?', remote: 'string' },
  ...{
    path: 'string',
    pending: 'number',
    messages: 'number',
    life: 'list',
    deliveries: 'object',
    remembered: 'number',
  },
};
const SUMMARY: Shape = Object.fromEntries(
  Object.entries(CONNECTION).filter(([name]) => !['life', 'deliveries', 'remembered'].includes(name)),
);
const LIFE: Shape = { step: 'string', at: 'time', capability: 'string-', by: 'string-', code: 'number-' };
const MESSAGE: Shape = {
  ...{ seq: 'number', direction: 'string', kind: 'string', type: 'string?', bytes: 'number?', at: 'time' },
  ...{ ordinal: 'number?', consumed: 'boolean', delivery: 'string?', status: 'string?', reason: 'string?' },
  ...{ payload: 'string?', cut: 'boolean' },
};

function deep(delivery: DeliveryDetailJson): string | undefined {
  const { deliveries } = (delivery.same_event ?? {}) as { deliveries?: unknown };
  return (
    fault(delivery, DETAIL, 'delivery') ??
    steps(delivery.timeline, STEP, 'delivery.timeline') ??
    (delivery.sent_over === null ? undefined : fault(delivery.sent_over, SUMMARY, 'delivery.sent_over')) ??
    steps(deliveries, DELIVERY, 'delivery.same_event.deliveries')
  );
}

function steps(list: unknown, shape: Shape, name: string): string | undefined {
  if (list === undefined && name === 'connection.life') return undefined;
  if (!Array.isArray(list)) return `${name} is no list`;
  return list.map((each, i) => fault(each, shape, `${name}[${i}]`)).find((each) => each !== undefined);
}

/** The first member that has another type than its shape says. */
function fault(value: unknown, shape: Shape, name: string): string | undefined {
  if (typeof value !== 'object' || value === null) return `${name} is no object`;
  for (const [key, kind] of Object.entries(shape)) {
    const given = member(value, key);
    const wanted = kind.replace(/[?-]$/, '');
    if (given === null && kind.endsWith('?')) continue;
    if (given === undefined && kind.endsWith('-')) continue;
    if (!fits(given, wanted)) return `${name}.${key} is not of the kind ${wanted}`;
  }
  return undefined;
}

function fits(value: unknown, kind: string): boolean {
  if (kind === 'list') return Array.isArray(value);
  if (kind === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  if (kind === 'time') return typeof value === 'string' && !Number.isNaN(Date.parse(value));
  if (kind === 'number') return typeof value === 'number' && Number.isFinite(value);
  return typeof value === kind;
}
