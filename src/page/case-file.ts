// page: everything that is known of a delivery or a connection as one JSON file, which any machine's page opens.
import type {
  AboutJson,
  ConnectionDetailJson,
  ConnectionStepJson,
  DeliveryDetailJson,
  MessageJson,
  StepJson,
} from '../admin/shapes.ts';
import type { Capability, Level, Priority, Status } from '../delivery/words.ts';
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

/** Longest list: a case has a handful of steps, and as many messages as one connection shows. */
const LIST_LIMIT = 1_000;
const MESSAGE_LIMIT = 100_000;
/**
 * Kinds that are one word of a few, and choose how something is shown. The compiler knows when one
 * is missing.
 */
const one = <W extends string>(words: Readonly<Record<W, 1>>): readonly string[] => Object.keys(words);
const WORDS: Readonly<Record<string, readonly string[]>> = {
  status: one<Status>({ pending: 1, retrying: 1, confirmed: 1, failed: 1, timeout: 1, unverifiable: 1 }),
  priority: one<Priority>({ critical: 1, high: 1, normal: 1, low: 1 }),
  level: one<Level>({ received: 1, processed: 1 }),
  capability: one<Capability>({ none: 1, received: 1, processed: 1 }),
  step: one<StepJson['step']>({
    ...{ send: 1, probe: 1, resend: 1, replay: 1, reemit: 1, received: 1, confirmed: 1, failed: 1, timeout: 1 },
    ...{ unverifiable: 1, late: 1, upgrade: 1, rejected: 1 },
  }),
  life: one<ConnectionStepJson['step']>({ opened: 1, capability: 1, closed: 1 }),
  direction: one<MessageJson['direction']>({ to_client: 1, to_upstream: 1 }),
  kind: one<MessageJson['kind']>({ text: 1, binary: 1 }),
};

/**
 * What a member must be: a name of `typeof`, `time`, `list`, `object`, or one of `WORDS`; `?`
 * behind it allows null, `-` allows it to be missing.
 */
type Shape = Readonly<Record<string, string>>;

const TOP: Shape = {
  made_at: 'time',
  service: 'string',
  version: 'string',
  delivery: 'object?',
  connection: 'object?',
  messages: 'messages',
};
const DELIVERY: Shape = {
  ...{
    id: 'string',
    event_id: 'string?',
    type: 'string',
    priority: 'priority',
    status: 'status',
    error_type: 'string?',
  },
  ...{ unverifiable_reason: 'string?', level: 'level?', required: 'level', attempts: 'number', session: 'string' },
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
  ...{ step: 'step', at: 'time', after_ms: 'number', number: 'number-', delay_ms: 'number-', result: 'string-' },
  ...{ level: 'level-', error_type: 'string-', reason: 'string-' },
};
const CONNECTION: Shape = {
  ...{ id: 'string', session: 'string', user: 'string?', claimed_user: 'string?', capability: 'capability' },
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
const LIFE: Shape = { step: 'life', at: 'time', capability: 'capability-', by: 'string-', code: 'number-' };
const MESSAGE: Shape = {
  ...{ seq: 'number', direction: 'direction', kind: 'kind', type: 'string?', bytes: 'number?', at: 'time' },
  ...{ ordinal: 'number?', consumed: 'boolean', delivery: 'string?', status: 'status?', reason: 'string?' },
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
  if (!fits(list, 'list') || !Array.isArray(list)) return `${name} is no list, or too long`;
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
  const words = WORDS[kind];
  if (words !== undefined) return typeof value === 'string' && words.includes(value);
  if (kind === 'list' || kind === 'messages')
    return Array.isArray(value) && value.length <= (kind === 'list' ? LIST_LIMIT : MESSAGE_LIMIT);
  if (kind === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  if (kind === 'time') return typeof value === 'string' && !Number.isNaN(Date.parse(value));
  // Times are laid out on a line: beyond safe integers that arithmetic does not end.
  if (kind === 'number') return typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
  return typeof value === kind;
}
