// Simulation: a client without the SDK, whose application may confirm and reject by event id.
import { deflateRawSync, constants as zlib } from 'node:zlib';
import { newLink, type SimClient, type Surroundings } from './clients.ts';
import { BINARY, TEXT } from './frames.ts';
import { checkKind, numberIn } from './message.ts';
import type { ClientSetup } from './schedule.ts';
import { Stack } from './stack.ts';

const RSV1 = 0x40;

export class PlainClient implements SimClient {
  stack: Stack | undefined;
  private gone = false;
  private isOpen = false;
  /** What its application said when no connection was there: it says so over the next one. */
  private owed: [eventId: string, rejected: boolean][] = [];
  private readonly around: Surroundings;
  private readonly number: number;
  private readonly setup: ClientSetup;

  constructor(around: Surroundings, number: number, setup: ClientSetup) {
    this.around = around;
    this.number = number;
    this.setup = setup;
  }

  connect(): void {
    if (this.stack !== undefined && !this.stack.over) return;
    const link = newLink(this.around, this.number, this.setup);
    const { end, deflater } = this.around.dial(this.number, '/ws', link);
    const stack = new Stack(this.around.world, end, link, this.setup, this.setup.deflate !== 'off', {
      opened: () => {
        this.isOpen = true;
        for (const [eventId, rejected] of this.owed.splice(0)) this.say(stack, eventId, rejected);
      },
      over: () => {
        const { world, fate } = this.around;
        if (this.stack === stack) this.isOpen = false;
        if (fate(link.id, 8) < 0.6 && !this.gone)
          world.plan(world.now + 100 + fate(link.id, 7) * 500, () => this.again());
      },
      message: (payload, opcode, compressed) => {
        const uid = compressed ? (deflater()?.numberOf(payload) ?? 0) : numberIn(payload);
        if (uid === 0) return;
        link.parsed.push({ uid, at: this.around.world.now });
        checkKind(this.around.history.byUid.get(uid)?.emitted, uid, opcode === BINARY);
        this.handle(stack, uid, payload);
      },
    });
    this.stack = stack;
  }

  word(event: number, rejected: boolean): void {
    const { stack } = this;
    if (stack === undefined) return;
    const eventId = `e${event}`;
    // An application knows ids from elsewhere too, but it does not lie about what it was never
    // handed. What it was handed over an earlier connection it may confirm over this one.
    const handed = this.around.history.links.some(
      ({ client, parsed }) => client === this.number && parsed.some(({ uid }) => this.eventOf(uid) === eventId),
    );
    if (handed || !this.around.isSent(this.number, event)) this.say(stack, eventId, rejected);
  }

  end(orderly: boolean): void {
    this.gone = true;
    if (orderly) this.stack?.close(1000);
    else this.stack?.reset();
  }

  online(): void {}

  reload(): void {}

  private again(): void {
    if (!this.gone) this.connect();
  }

  private handle(stack: Stack, uid: number, payload: Buffer): void {
    const { world, fate } = this.around;
    const { confirms, rejects, repeats, wordDelay } = this.setup;
    const eventId = this.eventOf(uid);
    if (eventId === undefined) return;
    if (payload.includes('"last":true') && fate(uid, 1) < 0.5) stack.close(1000);
    if (fate(uid, 2) >= confirms) return;
    const rejected = fate(uid, 3) < rejects;
    const carries = fate(uid, 13) < 0.5;
    const say = (): void => {
      if (!carries || !(stack.over || stack.closing)) this.say(stack, eventId, rejected);
      else if (this.stack !== stack && this.isOpen) this.say(this.stack as Stack, eventId, rejected);
      else this.owed.push([eventId, rejected]);
    };
    if (wordDelay === 0) say();
    else world.plan(world.now + fate(uid, 4) * wordDelay, say);
    if (fate(uid, 5) < repeats) world.plan(world.now + wordDelay + 20, say);
  }

  private eventOf(uid: number): string | undefined {
    return this.around.history.byUid.get(uid)?.eventId;
  }

  private say(stack: Stack, eventId: string, rejected: boolean): void {
    if (stack.closing) return;
    const { parsed } = stack.link;
    // The oldest message that the word can mean: everything up to it has been parsed.
    const sure = parsed.findIndex(({ uid }) => this.eventOf(uid) === eventId) + 1;
    const word = { type: 'event_confirmation', event_id: eventId, ...(rejected && { status: 'failed', error: 'no' }) };
    let bytes: Buffer = Buffer.from(JSON.stringify(word));
    const { deflate } = this.setup;
    // Each of its compressed messages stands alone, as the sidecar asks of every client.
    const compressed = deflate !== 'off' && this.around.fate(stack.link.evidence.length, 12) < 0.5;
    if (compressed) bytes = deflateRawSync(bytes, { finishFlush: zlib.Z_SYNC_FLUSH }).subarray(0, -4);
    const opcode = this.around.fate(stack.link.evidence.length, 14) < 0.3 ? BINARY : TEXT;
    stack.say(opcode, bytes, 'word', sure, { eventId, rejected }, compressed ? RSV1 : 0);
  }
}
