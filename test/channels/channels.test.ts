// Channels: a message costs nothing without a listener, and the example listens to every channel.
import { channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { CHANNELS, tellStep } from '../../src/channels/channels.ts';
import { createDeliverySteps } from '../../src/channels/delivery-steps.ts';

const FOLLOW = join(import.meta.dirname, '../../examples/follow.mjs');

it('a message is made only where a program listens, and has the members of its row', () => {
  const made: unknown[] = [];
  const message = () => {
    const it = { connection: 'c-1', status: 503 };
    made.push(it);
    return it;
  };
  tellStep('upgradeRefused', message);
  expect(made).toEqual([]);
  const heard: unknown[] = [];
  const listen = (each: unknown) => heard.push(each);
  subscribe(CHANNELS.upgradeRefused.name, listen);
  tellStep('upgradeRefused', message);
  unsubscribe(CHANNELS.upgradeRefused.name, listen);
  tellStep('upgradeRefused', message);
  expect([heard, made]).toEqual([[{ connection: 'c-1', status: 503 }], [{ connection: 'c-1', status: 503 }]]);
});

it('deliveries are observed only where a program listened before the start', () => {
  expect(createDeliverySteps()).toBeUndefined();
  const listen = () => {};
  subscribe(CHANNELS.settled.name, listen);
  expect(createDeliverySteps()).toBeDefined();
  unsubscribe(CHANNELS.settled.name, listen);
});

it('the example subscribes to every channel there is', () => {
  const text = readFileSync(FOLLOW, 'utf8');
  for (const { name } of Object.values(CHANNELS)) {
    const [, group, step] = name.split(':');
    expect(text, name).toContain(`ackspan:${group}:`);
    expect(text, name).toContain(step);
    expect(channel(name).hasSubscribers).toBe(false);
  }
});
