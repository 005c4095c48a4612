// journal: a session in Redis as the fields of a hash, and back. Reading believes nothing.
import { isDelivery, isState, readGaps, readGoodbye } from '../codec.ts';
import type { DeliveryEntry, DeliveryState, SessionEntry } from '../entry.ts';
import type { OpenDelivery } from '../image.ts';
import type { Arg } from './link.ts';

/** Fields and values, one after the other. */
export type Pairs = Arg[];

/** What changes of a session, as the fields that hold it. */
export function sessionPairs(changes: Partial<SessionEntry>): Pairs {
  const pairs: Pairs = [];
  const { boundTo, traceparent, user, ordinal, capability, serial, used, heard, goodbye, gaps } = changes;
  if (traceparent !== undefined) pairs.push('begun', JSON.stringify({ boundTo, traceparent }));
  if (user !== undefined) pairs.push('user', user);
  if (ordinal !== undefined) pairs.push('ordinal', String(ordinal));
  if (capability !== undefined) pairs.push('capability', capability);
  if (serial !== undefined) pairs.push('serial', String(serial));
  if (used !== undefined) pairs.push('used', String(used));
  if (heard !== undefined) pairs.push('heard', String(heard));
  if (goodbye !== undefined) pairs.push('goodbye', JSON.stringify(goodbye));
  if (gaps !== undefined) pairs.push('gaps', JSON.stringify(gaps));
  return pairs;
}

/** The names of the fields of a delivery: what is fixed, its message, and what changes. */
export const deliveryField = (seq: number): string => `d${seq}`;
export const messageField = (seq: number): string => `m${seq}`;
export const stateField = (seq: number): string => `x${seq}`;

/** A session as another instance left it. */
export interface ReadSession {
  readonly entry: SessionEntry;
  readonly open: readonly OpenDelivery[];
  /** Fields that could not be read. */
  readonly dropped: number;
  /** The ordinal that it had when it was taken from an instance, by the epoch of that instance. */
  readonly taken: ReadonlyMap<string, number>;
}

const CAPABILITIES = ['none', 'received', 'processed'] as const;

/** Reads the answer to HGETALL, in bytes. Undefined = it is no session of ours. */
export function readSession(key: string, flat: readonly Buffer[]): ReadSession | undefined {
  const fields = new Map<string, Buffer>();
  for (let i = 0; i + 1 < flat.length; i += 2) fields.set(flat[i]!.toString(), flat[i + 1]!);
  const text = (name: string): string => fields.get(name)?.toString() ?? '';
  const number = (name: string): number => Number(text(name) || Number.NaN);
  const begun = readJson(fields.get('begun')) as { boundTo?: unknown; traceparent?: unknown } | undefined;
  const [ordinal, serial, used, heard] = [number('ordinal'), number('serial'), number('used'), number('heard')];
  const capability = CAPABILITIES.find((each) => each === text('capability'));
  if (typeof begun?.traceparent !== 'string' || capability === undefined) return undefined;
  if (![ordinal, serial, used, heard].every(Number.isSafeInteger)) return undefined;
  const boundTo = typeof begun.boundTo === 'string' ? begun.boundTo : undefined;
  const user = fields.has('user') ? text('user') : boundTo;
  const open: OpenDelivery[] = [];
  let dropped = 0;
  for (const [name, value] of fields) {
    if (!/^d\d+$/.test(name)) continue;
    const found = readOpen(value, fields.get(`x${name.slice(1)}`), fields.get(`m${name.slice(1)}`));
    if (found === undefined) dropped++;
    else open.push(found);
  }
  open.sort((a, b) => a.delivery.ordinal - b.delivery.ordinal);
  const { traceparent } = begun;
  const goodbye = readGoodbye(readJson(fields.get('goodbye'))) ?? null;
  const gaps = readGaps(readJson(fields.get('gaps')));
  const entry = { key, boundTo, user, traceparent, ordinal, capability, serial, used, heard, goodbye, gaps };
  const taken = new Map([...text('taken').matchAll(/(\d+):(\d+)/g)].map(([, epoch, had]) => [epoch!, Number(had)]));
  return { entry, open, dropped, taken };
}

/** One delivery: its fixed part, its state if that has changed, its message if that is kept. */
export function readOpen(
  fixed: Buffer | string,
  changed: Buffer | undefined,
  kept: Buffer | undefined,
): OpenDelivery | undefined {
  const delivery = readJson(fixed);
  const state = changed === undefined ? fresh(kept !== undefined) : readJson(changed);
  if (!isDelivery(delivery) || !isState(state)) return undefined;
  return { delivery, state, message: state.kept ? kept : undefined };
}

/** A delivery of a client that has not opted in, whose message no other instance could send. */
export function openText(delivery: DeliveryEntry, state: DeliveryState): string {
  return JSON.stringify({ delivery, state });
}

export function readOpenText(text: string): OpenDelivery | undefined {
  const { delivery, state } = (readJson(text) ?? {}) as { delivery?: unknown; state?: unknown };
  return isDelivery(delivery) && isState(state) ? { delivery, state, message: undefined } : undefined;
}

function fresh(kept: boolean): DeliveryState {
  return { receivedAt: 0, attempts: [], word: '', errorText: '', missed: false, kept };
}

function readJson(bytes: Buffer | string | undefined): object | undefined {
  if (bytes === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(bytes.toString());
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    // Another program's, or an older version's.
    return undefined;
  }
}
