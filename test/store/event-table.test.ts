// The event table against a Map: the same answers through growth, collisions, deletions and shrinking.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Owner, Session } from '../../src/delivery/session.ts';
import { EventTable, FanOut, type Holder } from '../../src/store/event-table.ts';
import { propertyOptions } from '../support/seed.ts';
import { storedDelivery } from '../support/store-contract.ts';

const session = new Session('s', new Owner('ada'));
const entry = (eventId: string): Holder => storedDelivery(1, session, eventId);

describe('event table', () => {
  it('answers like a Map whatever is claimed, replaced and released in whatever order', () => {
    // Near full at the smallest size, so that entries crowd and wrap around the end.
    const crowd = Array.from({ length: 511 }, (_, i) => `crowd ${i}`);
    const step = fc.record({
      act: fc.constantFrom('claim', 'replace', 'release', 'foreign'),
      id: fc.nat({ max: 700 }),
    });
    const play = (steps: readonly { readonly act: string; readonly id: number }[]): void => {
      const table = new EventTable();
      const model = new Map<string, Holder>();
      const claim = (eventId: string): void => {
        const holder = entry(eventId);
        expect(table.claim(holder, eventId)).toBe(model.get(eventId));
        if (!model.has(eventId)) model.set(eventId, holder);
      };
      for (const eventId of crowd) claim(eventId);
      for (const { act, id } of steps) {
        const eventId = `crowd ${id}`;
        const known = model.get(eventId);
        if (act === 'claim') claim(eventId);
        else if (act === 'foreign') expect(table.release(new FanOut(eventId), eventId)).toBe(known);
        else if (known !== undefined && act === 'replace') {
          const other = new FanOut(eventId);
          table.replace(other, eventId);
          model.set(eventId, other);
        } else if (known !== undefined && act === 'release') {
          expect(table.release(known, eventId)).toBeUndefined();
          model.delete(eventId);
        }
      }
      expect(table.size).toBe(model.size);
      for (let id = 0; id <= 700; id++) expect(table.get(`crowd ${id}`)).toBe(model.get(`crowd ${id}`));
    };
    fc.assert(fc.property(fc.array(step, { maxLength: 400, size: 'max' }), play), propertyOptions(50));
  });

  it('[D7] gives its room back when a peak has passed', () => {
    const table = new EventTable();
    const holders = Array.from({ length: 50_000 }, (_, i) => entry(`evt-${i}`));
    for (const holder of holders) table.claim(holder, holder.eventId as string);
    expect([table.size, table.slots]).toEqual([50_000, 131_072]);
    for (const [i, holder] of holders.entries()) if (i % 50 !== 0) table.release(holder, holder.eventId as string);
    expect([table.size, table.slots]).toEqual([1000, 8192]);
    for (const [i, holder] of holders.entries())
      if (table.get(holder.eventId as string) !== (i % 50 === 0 ? holder : undefined)) expect.fail(`evt-${i} is wrong`);
    for (let i = 0; i < holders.length; i += 50) table.release(holders[i] as Holder, `evt-${i}`);
    expect([table.size, table.slots]).toEqual([0, 1024]);
  });

  it('holds ids of every spelling apart: empty, long, beyond ASCII, equal but for the case or the last letter', () => {
    const table = new EventTable();
    const ids = [
      '',
      ' ',
      'e',
      'E',
      'é',
      'e\u0301',
      '\u0000',
      '😀',
      '__proto__',
      'x'.repeat(10_000),
      `${'x'.repeat(9999)}y`,
    ];
    const holders = ids.map(entry);
    for (const [i, id] of ids.entries()) expect(table.claim(holders[i] as Holder, id)).toBeUndefined();
    expect(ids.map((id) => table.get(id))).toEqual(holders);
  });
});
