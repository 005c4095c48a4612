// Test support: holds a random conversation through a splice, and compares it with a direct connection.
import { expect } from 'vitest';
import { PING, PONG } from '../../src/relay/frames.ts';
import type { RelayCounters } from '../../src/relay/tap.ts';
import { type Conversation, closing, type Encoded, encode, type Group, randomFrom } from './conversation.ts';
import { clientFrame, decodeWithWs, type ReadFrame, readCompleteFrames, readFrames } from './raw-frames.ts';
import type { RecordingTap } from './spliced.ts';

/** The two far ends of a splice. */
export interface Ends {
  readonly tap: RecordingTap;
  readonly counters: RelayCounters;
  sendDown(bytes: Buffer): void;
  sendUp(bytes: Buffer): void;
  /** Everything that the client, and the upstream, have received. */
  clientGot(): Buffer;
  upstreamGot(): Buffer;
  /** Lets bytes move. */
  rest(): Promise<void>;
  /** Makes the client stop, or go on, taking bytes. */
  stallClient(stalled: boolean): void;
  /** Sends FIN from one side. Resolves when the other side has received everything and the FIN. */
  finDown(): Promise<void>;
  finUp(): Promise<void>;
}

/** The client. It reads everything, and answers pings when told to. */
class Client {
  readonly nonce: Buffer;
  /** Data messages complete at the latest ping that was answered. */
  proven = 0;
  private at = 0;
  private messages = 0;
  private pings: { payload: Buffer; through: number }[] = [];

  constructor(nonce: Buffer) {
    this.nonce = nonce;
  }

  read(stream: Buffer): void {
    const { frames, rest } = readCompleteFrames(stream, this.at);
    this.at = stream.length - rest;
    for (const { opcode, fin, payload } of frames) {
      if (opcode === PING) this.pings.push({ payload: Buffer.from(payload), through: this.messages });
      else if (opcode < 8 && fin) this.messages++;
    }
  }

  isOurs(payload: Buffer): boolean {
    return payload.length === 14 && payload.subarray(0, 6).equals(this.nonce);
  }

  answer(policy: Conversation['answers']): { bytes: Buffer; ours: boolean }[] {
    const candidates = policy === 'ours' ? this.pings.filter(({ payload }) => this.isOurs(payload)) : this.pings;
    const answered = policy === 'all' ? candidates : candidates.slice(-1);
    this.pings = [];
    return answered.map(({ payload, through }) => {
      this.proven = Math.max(this.proven, through);
      return { bytes: clientFrame(payload, { opcode: PONG }), ours: this.isOurs(payload) };
    });
  }
}

/** Frames that the upstream is to receive, each with the message that it belongs to. */
type Expected = { readonly bytes: Buffer; readonly group: Group | undefined }[];

/**
 * Queues the client's frames as late as possible, so that its answers are about messages that it
 * has by then.
 */
class ClientScript {
  readonly expected: Expected = [];
  private readonly encoded: Encoded;
  private readonly client: Client;
  private readonly policy: Conversation['answers'];
  private next = 0;
  private queue = Buffer.alloc(0);
  private open: Group | undefined = undefined;

  constructor(encoded: Encoded, client: Client, policy: Conversation['answers']) {
    this.encoded = encoded;
    this.client = client;
    this.policy = policy;
  }

  get done(): boolean {
    return this.queue.length === 0 && this.next === this.encoded.units.length;
  }

  take(size: number, clientGot: () => Buffer): Buffer {
    while (this.queue.length < size && this.next < this.encoded.units.length) {
      const unit = this.encoded.units[this.next++]!;
      if (unit === 'answer') {
        this.client.read(clientGot());
        this.answer(this.policy);
      } else {
        this.add(unit.bytes, unit.group, false);
        if (unit.group !== undefined) this.open = unit.last ? undefined : unit.group;
      }
    }
    const bytes = this.queue.subarray(0, size);
    this.queue = this.queue.subarray(size);
    return bytes;
  }

  answer(policy: Conversation['answers']): void {
    for (const { bytes, ours } of this.client.answer(policy)) this.add(bytes, undefined, ours);
  }

  add(bytes: Buffer, group: Group | undefined, ours: boolean): void {
    this.queue = Buffer.concat([this.queue, bytes]);
    if (ours) return;
    this.expected.push({ bytes, group });
    if (group === undefined && this.open !== undefined) this.open.interrupted = true;
  }
}

/**
 * Runs one conversation and checks everything that must hold of it. The splice has sent one barrier
 * before, and nothing else.
 */
export async function converse(conversation: Conversation, ends: Ends): Promise<void> {
  const down = await encode(conversation.down, conversation, false);
  const up = await encode(conversation.up, conversation, true);
  const [first] = readFrames(ends.clientGot());
  const client = new Client(Buffer.from(first!.payload.subarray(0, 6)));
  const script = new ClientScript(up, client, conversation.answers);
  const downBytes = Buffer.concat([...down.units.map((unit) => (unit as { bytes: Buffer }).bytes), closing(false)]);
  await exchange(conversation, ends, downBytes, script);
  ends.stallClient(false);
  await ends.finDown();
  client.read(ends.clientGot());
  script.answer(conversation.answers);
  script.add(closing(true), undefined, false);
  ends.sendUp(script.take(Number.POSITIVE_INFINITY, ends.clientGot));
  await ends.finUp();
  while (ends.tap.waiting > 0) await ends.rest();
  checkTap(ends, down, client);
  await checkClient(conversation, ends, client, downBytes, down);
  await checkUpstream(conversation, ends, client, script, up);
}

async function exchange(
  conversation: Conversation,
  ends: Ends,
  downBytes: Buffer,
  script: ClientScript,
): Promise<void> {
  const random = randomFrom(conversation.seed);
  const chunk = Math.max(conversation.chunk, Math.ceil(downBytes.length / 400));
  ends.tap.wantsBarrier = () => random() < 0.7;
  ends.tap.firstWrites = () => (['nothing', 'message', 'message+barrier'] as const)[Math.floor(random() * 3)]!;
  let at = 0;
  while (at < downBytes.length || !script.done) {
    const size = 1 + Math.floor(random() * chunk);
    if (at < downBytes.length && (script.done || random() < 0.5)) {
      ends.sendDown(downBytes.subarray(at, at + size));
      at += size;
    } else if (!script.done) {
      const bytes = script.take(size, ends.clientGot);
      if (bytes.length > 0) ends.sendUp(bytes);
    }
    if (!conversation.pressure || random() < 0.7) continue;
    ends.stallClient(random() < 0.3);
    await ends.rest();
  }
}

function checkTap({ tap, counters }: Ends, down: Encoded, client: Client): void {
  expect(tap.messages).toEqual(down.tapped);
  expect(Math.max(0, ...tap.received)).toBeLessThanOrEqual(client.proven);
  expect(tap.ends).toEqual(['upstream 1000']);
  expect(counters).toMatchObject({ heldBytes: 0, undecoded: 0, protocolErrors: 0, tapFaults: 0 });
}

/**
 * Upstream → client: only our pings differ. Each stands between frames and counts the messages
 * before it.
 */
async function checkClient(
  conversation: Conversation,
  ends: Ends,
  client: Client,
  downBytes: Buffer,
  down: Encoded,
): Promise<void> {
  const stream = ends.clientGot();
  const frames = readFrames(stream);
  const isBarrier = ({ opcode, payload }: ReadFrame) => opcode === PING && client.isOurs(payload);
  const direct = Buffer.concat(frames.filter((frame) => !isBarrier(frame)).map(({ raw }) => raw));
  expect(direct.equals(downBytes)).toBe(true);
  let messages = 0;
  for (const frame of frames) {
    if (isBarrier(frame)) {
      expect(frame).toMatchObject({ fin: true, rsv1: false, masked: false });
      expect(frame.payload.readUIntBE(8, 6)).toBe(messages);
    } else if (frame.opcode < 8 && frame.fin) messages++;
  }
  expect(frames.filter(isBarrier)).toHaveLength(ends.counters.barriersSent);
  const read = await decodeWithWs(stream, { isServer: false, deflate: windowOf(conversation) });
  expect(read.filter(isMessage)).toEqual(down.groups.map((group) => group.read));
}

/**
 * Client → upstream: our pongs and confirmations are missing, pongs that the client owed may have
 * been added, and the rest is as sent.
 */
async function checkUpstream(
  conversation: Conversation,
  ends: Ends,
  client: Client,
  script: ClientScript,
  up: Encoded,
): Promise<void> {
  const stream = ends.upstreamGot();
  const passes = (group: Group | undefined) => group === undefined || !group.confirmation || group.interrupted;
  const expected = script.expected.filter(({ group }) => passes(group));
  const asked = readFrames(ends.clientGot()).filter(
    ({ opcode, payload }) => opcode === PING && !client.isOurs(payload),
  );
  let next = 0;
  let added = 0;
  for (const { raw, opcode, payload, masked } of readFrames(stream)) {
    if (next < expected.length && raw.equals(expected[next]!.bytes)) next++;
    else {
      added++;
      expect({ opcode, masked }).toEqual({ opcode: PONG, masked: true });
      expect(asked.some((ping) => ping.payload.equals(payload))).toBe(true);
    }
  }
  expect(next).toBe(expected.length);
  expect(added).toBe(ends.counters.pongsSynthesised);
  if (conversation.answers === 'all') expect(added).toBe(0);
  const read = await decodeWithWs(stream, { isServer: true, deflate: windowOf(conversation) });
  expect(read.filter(isMessage)).toEqual(up.groups.filter(passes).map((group) => group.read));
  const confirmations = up.groups.filter(({ confirmation }) => confirmation);
  expect(ends.counters).toMatchObject({
    confirmationsSwallowed: confirmations.filter(({ interrupted }) => !interrupted).length,
    confirmationsForwarded: confirmations.filter(({ interrupted }) => interrupted).length,
    messagesToUpstream: up.groups.length,
  });
}

function windowOf({ deflate }: Conversation): { noContextTakeover: boolean } | undefined {
  return deflate === 'none' ? undefined : { noContextTakeover: deflate === 'standalone' };
}

function isMessage(entry: string): boolean {
  return entry.startsWith('text:') || entry.startsWith('binary:');
}
