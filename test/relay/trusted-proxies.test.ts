// Which peers may say whom they forward for.
import { expect, it } from 'vitest';
import { createPeerCheck } from '../../src/relay/trusted-proxies.ts';

it('[D19] nobody, unless the operator says so', () => {
  expect(['127.0.0.1', '::1', '', 'x'].map(createPeerCheck([]))).toEqual([false, false, false, false]);
});

it('addresses and ranges of both families', () => {
  const trusted = createPeerCheck(['10.0.0.0/8', '192.0.2.1', 'fd00::/8', '::1']);
  expect(['10.255.0.1', '192.0.2.1', 'fd12::3', '::1'].every(trusted)).toBe(true);
  expect(['11.0.0.1', '192.0.2.2', 'fe80::1', '::2', '', 'unknown', '10.0.0.1, 1.1.1.1'].some(trusted)).toBe(false);
});
