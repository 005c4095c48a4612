// Examples: the chat as its README starts it, with two members in a real browser and one that shows nothing.
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { atEnd, closeAll } from '../support/backends.ts';
import { eventually } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { expectHealthyLog } from '../support/sidecar-process.ts';
import { openPage, startExample } from './start.ts';

describe.skipIf(missing('chromium'))('examples/ws-chat', () => {
  afterEach(closeAll);

  it('each message is confirmed as processed once for each of two tabs, and the backend hears no confirmation', async () => {
    const example = await startExample('ws-chat');
    const tabs = [await openPage(example), await openPage(example)];
    const say = async (tab: number, from: string, text: string) => {
      await tabs[tab]!.locator('[name=from]').fill(from);
      await tabs[tab]!.locator('[name=text]').fill(text);
      await tabs[tab]!.locator('button').click();
    };
    await eventually(async () => expect(await example.sidecar.sum('ackspan_connection_active')).toBe(2));
    await say(0, 'Ada', 'Is anybody here?');
    await example.sidecar.reach({ tracked: 2, confirmed: 2, pending: 0 });
    await say(1, 'Bob', 'I am.');
    await example.sidecar.reach({ tracked: 4, confirmed: 4, pending: 0 });
    for (const tab of tabs) {
      expect(await tab.locator('#messages li').allTextContents()).toEqual(['Ada: Is anybody here?', 'Bob: I am.']);
    }
    const shown = await example.sidecar.deliveries();
    expect(shown.map(({ type, level }) => `${type} ${level}`)).toEqual(Array(4).fill('chat_message processed'));
    // Four confirmations were taken out on their way; none came back as a chat message.
    expect(await example.sidecar.sum('ackspan_relay_consumed_total', { kind: 'confirmation' })).toBe(4);
    expectHealthyLog(example.sidecar);
  });

  it('a member who receives a message and does not show it has not got it', async () => {
    const { sidecar } = await startExample('ws-chat');
    const member = new WebSocket(`${sidecar.ws}/chat`);
    atEnd(() => member.terminate());
    const heard = new Promise((resolve) => member.once('message', resolve));
    member.once('open', () => member.send(JSON.stringify({ from: 'Eve', text: 'Hello' })));
    expect(JSON.parse(String(await heard))).toMatchObject({ type: 'chat_message', from: 'Eve', text: 'Hello' });
    await sidecar.reach({ tracked: 1, confirmed: 0, pending: 1 });
    member.close();
    await sidecar.reach({ tracked: 1, confirmed: 0, failed: 1, pending: 0 });
  });
});
