// Messages that are sent again over one connection: what the client gets, and where that is held back (SPEC R8).
import { expect, it } from 'vitest';
import { createResendBudget, Resends } from '../../src/connection/resending.ts';
import type { Delivery } from '../../src/delivery/record.ts';

const PER_CONNECTION = 64;
const IN_ALL = 2000;

/** A way to a client, and what was sent on it. */
function way() {
  const sent: string[] = [];
  const sendMessage = (data: Uint8Array, binary = false) => void sent.push(`${binary ? 'binary ' : ''}${data}`);
  return { flowing: true, sendMessage, sent };
}

const kept = (binary = false): Delivery => ({ payload: 'the event', binary, ordinal: 7 }) as unknown as Delivery;

it('[R8] go with a notice of their number where the client has opted in, and without one to every other client', () => {
  for (const announced of [true, false]) {
    const there = way();
    expect(new Resends(createResendBudget()).resend(there, kept(true), announced, 0)).toBe('sent');
    expect(there.sent.length).toBe(announced ? 2 : 1);
    expect(there.sent.at(-1)).toBe('binary the event');
  }
});

it('[R9] cannot go where the message is not kept', () => {
  const there = way();
  const lost = { payload: undefined, binary: false, ordinal: 7 } as unknown as Delivery;
  expect(new Resends(createResendBudget()).resend(there, lost, true, 0)).toBe('failed');
  expect(there.sent).toEqual([]);
});

it('[R8] are blocked while the client does not read, and that costs no share of the budget', () => {
  const there = way();
  const resends = new Resends(createResendBudget());
  there.flowing = false;
  for (let i = 0; i < 2 * PER_CONNECTION; i++) expect(resends.resend(there, kept(), false, 0)).toBe('blocked');
  there.flowing = true;
  expect(resends.resend(there, kept(), false, 0)).toBe('sent');
});

it('[R8] are blocked beyond what one connection may have at once, and beyond what all may have', () => {
  const all = createResendBudget();
  const there = way();
  let sent = 0;
  const fill = (): void => {
    const resends = new Resends(all);
    while (resends.resend(there, kept(), false, 0) === 'sent') sent++;
  };
  fill();
  expect(sent).toBe(PER_CONNECTION);
  for (let i = 0; i < IN_ALL / PER_CONNECTION; i++) fill();
  expect(sent).toBe(IN_ALL);
});
