// The name of a delivery: another process has other names, and only one's own are read.
import { afterEach, expect, it } from 'vitest';
import { deliveryId, nameInstance, seqOfId } from '../../src/delivery/delivery-id.ts';

afterEach(() => nameInstance(''));

it('an id holds the process and the number, and leads back to the number', () => {
  expect([deliveryId(1), seqOfId('d-1')]).toEqual(['d-1', 1]);
  nameInstance('k3f9a');
  expect(deliveryId(10)).toBe('d-k3f9a-a');
  expect(seqOfId('d-k3f9a-a')).toBe(10);
});

it('an id of the process before the restart, and what only looks alike, is nobody', () => {
  nameInstance('k3f9a');
  const before = deliveryId(10);
  nameInstance('zzzzz');
  for (const id of [before, 'd-a', 'a', '', 'd-zzzzz-', 'd-zzzzz-A', 'd-zzzzz-0a', 'd-zzzzz-a-b', 'x-zzzzz-a'])
    expect(seqOfId(id), id).toBeNaN();
});
