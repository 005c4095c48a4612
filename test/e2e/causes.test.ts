// Ten failures made to happen on real processes. Somebody who sees only what the command line says, and an assistant who sees only what the tools say, each name the right one.
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { atEnd, closeAll } from '../support/backends.ts';
import { builtCli, runCli } from '../support/build.ts';
import { type Child, eventually, startChild } from '../support/child.ts';
import { missing } from '../support/component.ts';
import { event, openClient, tell } from '../support/ws-peers.ts';
import { foreignConfirmations, frozenTab, muteEdge, rejected, slowClient } from './failures/clients.ts';
import { type Scene, type Stage, staged } from './failures/scene.ts';
import { deploy, movedInstance, shedByLimit, storm, upstreamDied } from './failures/surroundings.ts';

afterEach(closeAll);

/**
 * What a reader of an explanation takes it to mean. Each pattern is looked for in the sentence that
 * names the cause, and nowhere else.
 */
const READINGS: Readonly<Record<string, RegExp>> = {
  'mute edge': /answers pings/,
  'frozen tab': /received, and the application said nothing/,
  'slow client': /after the deadline/,
  rejected: /application rejected/,
  'shed by limit': /not tracked, because of a limit/,
  'upstream died': /backend ended the connection/,
  'moved instance': /another instance/,
  deploy: /sidecar was stopped/,
  'foreign confirmations': /somebody else confirmed/,
  storm: /many connections ended at once/,
};

const STAGES: readonly (readonly [string, Stage])[] = [
  ['mute edge', muteEdge],
  ['frozen tab', frozenTab],
  ['slow client', slowClient],
  ['rejected', rejected],
  ['shed by limit', shedByLimit],
  ['upstream died', upstreamDied],
  ['moved instance', movedInstance],
  ['deploy', deploy],
  ['foreign confirmations', foreignConfirmations],
  ['storm', storm],
];

/** The failures that a sentence names: one, if it is clear. */
function diagnose(cause: string | undefined): string[] {
  return Object.entries(READINGS).flatMap(([name, pattern]) => (pattern.test(cause ?? '') ? [name] : []));
}

/** What stands behind `Cause:`. */
function causeIn(text: string): string | undefined {
  return /^Cause: (.*)$/m.exec(text)?.[1];
}

/**
 * A person with a terminal: one window follows losses, in the other they ask about the event that
 * somebody misses.
 */
class Person {
  #tail: Child | undefined;
  #admins: string[] = [];

  async begin(admins: readonly string[]): Promise<void> {
    this.#admins = admins.flatMap((admin) => ['--admin', admin]);
    this.#tail = startChild(process.execPath, [builtCli(), 'tail', '--all', ...this.#admins]);
    await eventually(() => expect(this.#tail?.stderr().match(/following/g)).toHaveLength(admins.length));
  }

  async asks({ event }: Scene): Promise<string> {
    const { stdout, code } = await runCli(['delivery', event, ...this.#admins]);
    if (code !== 3) return causeIn(stdout) ?? '';
    // Nobody answers any more: what did the other window show of that event last?
    const lines = (this.#tail?.lines ?? []).map(({ text }) => String(text));
    return lines.filter((line) => line.includes(event)).at(-1) ?? '';
  }
}

/** An assistant: it finds the event, and has it explained. */
class Assistant {
  readonly #client = new Client({ name: 'test', version: '0' });

  async begin(admins: readonly string[]): Promise<void> {
    const args = [builtCli(), 'mcp', ...admins.flatMap((admin) => ['--admin', admin])];
    await this.#client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: 'pipe' }));
    atEnd(() => this.#client.close());
  }

  async asks({ event }: Scene): Promise<string> {
    const found = await this.#call('find_deliveries', { id_contains: event });
    const id = /^- "(d-[0-9a-z]+)"/m.exec(found)?.[1] ?? event;
    return causeIn(await this.#call('explain_delivery', { id })) ?? '';
  }

  async #call(name: string, given: Record<string, unknown>): Promise<string> {
    const { content } = await this.#client.callTool({ name, arguments: given });
    return (content as { text: string }[]).map(({ text }) => text).join('\n');
  }
}

beforeAll(() => {
  // Each reading is for one sentence only, or a clear answer would prove nothing.
  expect(new Set(STAGES.map(([name]) => name))).toEqual(new Set(Object.keys(READINGS)));
});

describe.skipIf(missing('chromium', 'python:websockets'))('ten failures', () => {
  it.each(STAGES)('%s is named by somebody at a terminal and by an assistant', async (name, stage) => {
    const [person, assistant] = [new Person(), new Assistant()];
    const scene = await stage({
      async begin(admins) {
        await Promise.all([person.begin(admins), assistant.begin(admins)]);
      },
    });
    const told = { person: await person.asks(scene), assistant: await assistant.asks(scene) };
    expect({ told, person: diagnose(told.person), assistant: diagnose(told.assistant) }).toEqual({
      told,
      person: [name],
      assistant: [name],
    });
  });
});

it('an event that arrived is none of them', async () => {
  const person = new Person();
  const { backend, sidecar, scene } = await staged(person, {});
  await openClient(sidecar.ws);
  tell(await backend.peer(0), event('seen'));
  await sidecar.reach({ confirmed: 1 });
  const told = await person.asks(scene('seen'));
  expect(told).toContain('confirmed');
  expect(diagnose(told)).toEqual([]);
});
