// Simulation: old behaviours of the relay, of sessions and of the SDK: how connections ended, and what was said of it.
import { Ledger } from '../../src/client/ledger.ts';
import { Connection } from '../../src/connection/connection.ts';
import { Tracker } from '../../src/delivery/tracker.ts';
import { ClientControls } from '../../src/relay/client-controls.ts';
import { ClientWriter } from '../../src/relay/client-writer.ts';
import { UpstreamPings } from '../../src/relay/heartbeat.ts';
import { Inbound } from '../../src/relay/inbound.ts';
import { Lifetime } from '../../src/relay/lifetime.ts';
import type { Audience } from '../../src/relay/outbound.ts';
import { Peer } from '../../src/relay/peer.ts';
import type { Phase } from '../../src/relay/phase.ts';
import { Splice } from '../../src/relay/splice.ts';
import type { Leave } from '../../src/relay/tap.ts';
import { UpstreamScan } from '../../src/relay/upstream-scan.ts';
import { SERVICE_RESTART, until } from '../../src/sidecar/drain.ts';
import { now } from '../../src/time/clock.ts';
import { patiently } from '../../src/time/patience.ts';
import { type Method, type Revert, replace } from './revert.ts';
import { parts } from './sut.ts';

/** What the old behaviours look at in a splice, and in its lifetime. */
interface Parts {
  client: Peer;
  upstream: Peer;
  inbound: { closing: boolean; said: { closeCode: number } };
  outbound: {
    atBoundary: boolean;
    closing: boolean;
    raw: boolean;
    audience: Audience;
    scan: { closing: boolean; closeCode: number; closeThrough: number };
    messages: { side: { busy: boolean } | undefined };
  };
}
interface Life {
  sides: Parts;
  phase: Phase;
  tap: { receivedThrough(through: number, at: number): void };
}

/** Filters what the SDK says first over each later connection. */
function forgetful(keeps: (frame: { ackspan?: string; n?: number }, words: readonly number[]) => boolean): void {
  const resumed = new WeakSet<Ledger>();
  replace(Ledger.prototype, 'resume', (old) => {
    const resume = function (this: Ledger, ...args: never[]): void {
      resumed.add(this);
      old.apply(this as never, args);
    };
    return resume as Method;
  });
  replace(Ledger.prototype, 'frames', (old) => {
    const frames = function (this: Ledger): object[] {
      const words = (this.resumption(false).words ?? []).map(([n]) => n);
      const all = (old as (this: Ledger) => object[]).call(this);
      return resumed.delete(this) ? all.filter((frame) => keeps(frame, words)) : all;
    };
    return frames as Method;
  });
}

/**
 * Takes a client's Close for the answer to the one that went before, if both have that code and it
 * `proves`.
 */
function closesProve(proves: (code: number) => boolean): void {
  replace(Lifetime.prototype, 'clientCloses', (old) => {
    const closes = function (this: Life, at: number): void {
      const { inbound, outbound } = this.sides;
      const { closing, closeCode, closeThrough } = outbound.scan;
      if (closing && inbound.said.closeCode === closeCode && proves(closeCode))
        this.tap.receivedThrough(closeThrough, at);
      (old as (this: Life, at: number) => void).call(this, at);
    };
    return closes as Method;
  });
}

export const RELAY: readonly Revert[] = [
  {
    name: '[E1] an old pong counts for a later ping of equal payload',
    shows: /^false confirm: confirmed \(received\).*pong of its own client/,
    apply() {
      type Pings = { through: number; last?: Buffer; lastThrough: number };
      type Forwarded = (
        this: Pings,
        buf: Buffer,
        start: number,
        end: number,
        through: number,
        barriers: number,
      ) => void;
      type Answered = (this: Pings, buf: Buffer, start: number, end: number, key: number) => number;
      replace(UpstreamPings.prototype, 'forwarded', (old) => {
        const forwarded: Forwarded = function (buf, start, end, through, barriers) {
          this.last = Buffer.from(buf.subarray(start, end));
          this.lastThrough = through;
          (old as Forwarded).call(this, buf, start, end, through, barriers);
        };
        return forwarded as Method;
      });
      replace(UpstreamPings.prototype, 'answered', (old) => {
        const answered: Answered = function (buf, start, end, key) {
          const through = (old as Answered).call(this, buf, start, end, key);
          const same = this.last !== undefined && this.last.length >= 4 && this.last.length === end - start;
          return same ? Math.max(through, this.lastThrough) : through;
        };
        return answered as Method;
      });
    },
  },
  {
    name: '[D15] a Close right behind events goes without a last barrier',
    shows: /^barrier/,
    apply() {
      replace(
        ClientWriter.prototype,
        'last',
        () =>
          function (this: ClientWriter, chunk: Buffer) {
            this.write(chunk);
          } as Method,
      );
    },
  },
  {
    name: '[E2] a chunk that only begins a frame carries no barrier',
    shows: /^barrier/,
    apply() {
      replace(UpstreamScan.prototype, 'run', (old) => {
        const run = function (this: UpstreamScan, ...args: never[]): void {
          old.apply(this as never, args);
          if (this.boundary === 0) this.boundary = -1;
        };
        return run as Method;
      });
    },
  },
  {
    name: '[D15] whatever Close a client sends behind one proves all before it',
    shows: /^false confirm/,
    apply: () => closesProve(() => true),
  },
  {
    name: '[D15] a Close with the code of the backend answers it, unless the code is 1000, 1001 or none',
    shows: /^false confirm/,
    apply: () => closesProve((code) => ![1000, 1001, 1005, 1006].includes(code)),
  },
  {
    name: '[D15] the answer to a Close proves nothing',
    shows: /^false loss: .*answer to the Close/,
    apply() {
      replace(Lifetime.prototype, 'clientCloses', (old) => {
        const closes = function (this: Life, at: number): void {
          this.sides.outbound.scan.closeCode = 1006;
          (old as (this: Life, at: number) => void).call(this, at);
        };
        return closes as Method;
      });
    },
  },
  {
    name: '[D15] a client that complains has closed in good order',
    shows: /^reason: unverifiable \(client_left\), but its client has not closed in good order/,
    apply() {
      replace(Lifetime.prototype, 'clientOver', (old) => {
        const over = function (this: Life, leave?: Leave): void {
          const closes = this.sides.inbound.closing ? 'orderly' : leave;
          (old as (this: Life, leave?: Leave) => void).call(this, closes);
        };
        return over as Method;
      });
    },
  },
  {
    name: '[D15] an upstream that dies in the middle of a frame takes its client along at once',
    shows: /^false loss: /,
    apply() {
      for (const name of ['ended', 'closed'])
        replace(Splice.prototype, name, (old) => {
          const over = function (this: Parts, peer: Peer): void {
            const { atBoundary, closing, raw } = this.outbound;
            if (peer === this.upstream && !atBoundary && !closing && !raw) this.client.destroy();
            (old as (this: Parts, peer: Peer) => void).call(this, peer);
          };
          return over as Method;
        });
    },
  },
  {
    name: '[D14] nothing is read of a client any more after it broke the rules',
    shows: /^false loss: .*pong/,
    apply() {
      replace(Inbound.prototype, 'push', (old) => {
        const push = function (this: { framing: string }, chunk: Buffer, at: number): void {
          if (this.framing !== 'broken')
            (old as (this: unknown, chunk: Buffer, at: number) => void).call(this, chunk, at);
        };
        return push as Method;
      });
    },
  },
  {
    name: "[D15] a pong in one chunk with the client's own Close, behind it, is evidence",
    shows: /^false confirm/,
    apply() {
      replace(ClientControls.prototype, 'proves', () => {
        const proves = function (this: { tap: Life['tap'] }, through: number, at: number): void {
          this.tap.receivedThrough(through, at);
        };
        return proves as Method;
      });
    },
  },
  {
    name: '[D15] a client that cannot be written to is destroyed, read or not',
    shows: /^false loss/,
    apply() {
      replace(
        Peer.prototype,
        'dieUnlessRead',
        () =>
          function (this: Peer) {
            patiently(500, () => this.destroy());
          } as Method,
      );
    },
  },
  {
    name: '[D16] writes that are joined go through the stream, which loses what is unread',
    shows: /^uncounted/,
    apply() {
      type Joining = { direct: boolean; corked: boolean; was: boolean; socket: { cork(): void; uncork(): void } };
      replace(
        Peer.prototype,
        'cork',
        () =>
          function (this: Joining) {
            this.was = this.direct;
            this.direct = false;
            this.corked = true;
            this.socket.cork();
          } as Method,
      );
      replace(
        Peer.prototype,
        'uncork',
        () =>
          function (this: Joining) {
            if (!this.corked) return;
            this.corked = false;
            this.socket.uncork();
            this.direct = this.was;
          } as Method,
      );
    },
  },
  {
    name: '[D16] what the backend sends after its client has gone is counted nowhere',
    shows: /^uncounted/,
    apply() {
      replace(Splice.prototype, 'received', (old) => {
        const received = function (this: Parts, peer: Peer, chunk: Buffer): void {
          if (peer !== this.client && !this.client.writable && this.outbound.audience !== 'absent') return;
          (old as (this: unknown, peer: Peer, chunk: Buffer) => void).call(this, peer, chunk);
        };
        return received as Method;
      });
    },
  },
  {
    name: 'an end that comes while messages are read on the side is forgotten',
    shows: /^leak/,
    apply() {
      replace(Lifetime.prototype, 'tellIfOver', (old) => {
        const tell = function (this: Life): void {
          if (this.sides.outbound.messages.side?.busy !== true) (old as (this: Life) => void).call(this);
        };
        return tell as Method;
      });
    },
  },
  {
    name: '[D10] a sidecar that stops settles before it closes',
    shows: /^false loss: failed \(shutdown\)/,
    apply() {
      parts.drain = async ({ connections, resumption, tracker, pending }, confirmBy, closeBy) => {
        for (const connection of connections) connection.probe(now());
        await until(() => pending() === 0, confirmBy);
        tracker.shutdown(now());
        resumption.close(SERVICE_RESTART, 'service restart', now());
        for (const connection of connections) connection.close(SERVICE_RESTART, 'service restart');
        await until(() => connections.size === 0, closeBy);
        for (const connection of connections) connection.destroy(now());
        await until(() => connections.size === 0, now() + 200);
      };
    },
  },
  {
    name: '[W23] a client that is asked to come again, and closes by itself, is taken for one that went',
    shows: /^leak: \d+ (?:connections|sockets)/,
    apply() {
      interface Old extends Parts {
        retiring: { underWay: boolean; over(): boolean };
        parks: Parks;
      }
      type Parks = (this: Old, code: number) => boolean;
      replace(Splice.prototype, 'parks' as never, (old) => {
        const parks: Parks = function (code) {
          return (this.outbound.audience === 'absent' && !this.retiring.over()) || (old as Parks).call(this, code);
        };
        return parks as Method;
      });
      replace(Splice.prototype, 'clientLeaves', (old) => {
        const leaves: Parks = function (code) {
          return this.retiring.underWay ? this.parks(1006) : (old as Parks).call(this, code);
        };
        return leaves as Method;
      });
    },
  },
  {
    name: '[D10] a session that begins to wait at the end of a stop waits on in a process that is over',
    shows: /^leak: -?\d+ (?:sessions that wait|deliveries)/,
    apply() {
      const { drain } = parts;
      parts.drain = (deps, ...times) => {
        const { connections, resumption } = deps;
        const gone = {
          ...deps,
          resumption: {
            close: (...args: [number, string, number]) => connections.size > 0 && resumption.close(...args),
          },
        };
        return drain(gone, ...times);
      };
    },
  },
  {
    name: '[D22] a client that vanishes is kept',
    shows: /^silence: a client that had vanished was not cut off/,
    apply() {
      const { startBeats } = parts;
      parts.startBeats = (deps) => startBeats({ ...deps, limits: { ...deps.limits, silenceMs: 0 } });
    },
  },
  {
    name: '[D22] a client that takes the place of a silent one inherits its silence',
    shows: /^silence: a client was cut off/,
    apply() {
      Object.defineProperty(Connection.prototype, 'id', { get: () => 'one of them' });
    },
  },
  {
    name: '[R4] what the application was handed it has processed',
    shows: /^false confirm: confirmed \(processed\), but its application had not said so.*last/,
    apply() {
      type Resumed = (this: Tracker, session: never, link: never, last: number, at: number) => unknown;
      replace(Tracker.prototype, 'resumed', (old) => {
        const resumed: Resumed = function (session, link, last, at) {
          this.processedThrough(session, last, [], at);
          return (old as Resumed).call(this, session, link, last, at);
        };
        return resumed as Method;
      });
    },
  },
  {
    name: '[R10] what a replaced client had said and nobody had read is thrown away',
    shows: /^false loss/,
    apply() {
      replace(
        Peer.prototype,
        'leave',
        () =>
          function (this: Peer) {
            this.abandon();
          } as Method,
      );
    },
  },
  {
    name: '[R12] a rejection that a lost connection swallowed is not said again',
    shows: /^false confirm: confirmed \(processed\), but its application had not said so/,
    apply: () => forgetful(({ ackspan }) => ackspan !== 'reject'),
  },
  {
    name: '[R12] only the last 64 words are said again',
    shows: /^false confirm: confirmed \(processed\), but its application had not said so/,
    apply: () => forgetful(({ ackspan, n }, words) => ackspan !== 'reject' || words.slice(-64).includes(n!)),
  },
];
