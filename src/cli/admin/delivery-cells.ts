// cli: a delivery as cells of a table and as one line: the same order and the same colours in every command.
import type { DeliveryJson } from '../../admin/shapes.ts';
import { brief } from '../../admin-client/brief.ts';
import { printable } from '../../admin-client/printable.ts';
import { time } from '../../admin-client/wording.ts';
import type { Cell, Column } from '../terminal/columns.ts';
import type { Tone } from '../terminal/paint.ts';

const TONES: Readonly<Record<string, Tone>> = {
  pending: 'faint',
  retrying: 'warning',
  confirmed: 'good',
  failed: 'bad',
  timeout: 'bad',
  unverifiable: 'doubt',
};

/** The colour of a status, or of a step of the timeline. */
export function toneOf(word: string): Tone | undefined {
  return TONES[word];
}

/** The part `12:34:56.789` of a time of the API, in UTC. */
export function clock(iso: string): string {
  return /T(\d\d:\d\d:\d\d\.\d{3})Z$/.exec(iso)?.[1] ?? printable(iso);
}

export const DELIVERY_COLUMNS: readonly Column[] = [
  { heading: 'SENT (UTC)' },
  { heading: 'STATUS' },
  { heading: 'TYPE', least: 8 },
  { heading: 'ID' },
  { heading: 'EVENT', least: 10, spare: 1 },
  { heading: 'USER', least: 6 },
  { heading: 'TOOK', end: true },
  { heading: 'TRIES', end: true, spare: 2 },
  { heading: 'WHY', least: 20 },
];

/** A delivery as a row of a list. */
export function deliveryCells(delivery: DeliveryJson): Cell[] {
  const { sent_at, status, type, id, event_id, user, settled_ms, attempts } = delivery;
  return [
    { text: clock(sent_at), tone: 'faint' },
    { text: printable(status), tone: toneOf(status) },
    { text: printable(type) },
    { text: printable(id) },
    { text: event_id === null ? '–' : printable(event_id) },
    { text: user === null ? '–' : printable(user) },
    { text: time(settled_ms) },
    { text: String(attempts) },
    { text: brief(delivery) },
  ];
}
