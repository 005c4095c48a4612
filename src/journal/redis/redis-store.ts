// journal: the store that instances share in Redis; each session belongs to one instance at a time.
import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import type { Session } from '../../delivery/session.ts';
import type { StoreCounters } from '../file-store.ts';
import { LetterScribe } from '../letter-scribe.ts';
import type { WallOf } from '../snapshot.ts';
import { Claims } from './claims.ts';
import { openClient } from './client.ts';
import { RedisClock } from './clock.ts';
import { Filling } from './filling.ts';
import { Gate } from './gate.ts';
import { type Keys, keysOf } from './keys.ts';
import { LETTER_SCRIPTS } from './letter-scripts.ts';
import { RedisLetters } from './letters.ts';
import { Link } from './link.ts';
import { Members } from './members.ts';
import { type Numbering, Numbers } from './numbers.ts';
import { createOutbox } from './outbox.ts';
import { Reaper } from './reaper.ts';
import { Refusals } from './refusals.ts';
import { RollCall } from './roll-call.ts';
import { RedisScribe } from './scribe.ts';
import { DO, RELEASE, SCRIPTS } from './scripts.ts';
import { Secrets } from './secret.ts';
import type { RedisStoreDeps, RedisStoreOptions } from './store-deps.ts';
import type { Host } from './taken.ts';
import { Upkeep } from './upkeep.ts';
import { Wire } from './wire.ts';

/** A session that no instance has touched for so long is gone from Redis, ms. */
const LIFE_MS = 24 * 3_600_000;
/** How long a start waits for Redis, ms. */
const START_MS = 2000;
/** How long an instance may take to give a session back, ms. */
const PATIENCE_MS = 1000;
/** Bytes of commands that may wait for their answers, or for a kernel that takes no more. */
const WAITING_BYTES = 16 * 1024 * 1024;

const DROPPED = 'Redis has dropped some of what it was told, without a word: it is told everything again';

export class RedisStore {
  readonly instance = `${hostname()}-${randomBytes(4).toString('hex')}`;
  readonly clock: RedisClock;
  readonly journal: RedisScribe;
  readonly deadLetters: RedisLetters;
  readonly link: Link;
  readonly gate: Gate;
  readonly members: Members;
  readonly wire: Wire;
  /** How often everything was told again, because Redis had dropped some of it. */
  retold = 0;
  readonly #deps: RedisStoreDeps;
  readonly #options: RedisStoreOptions;
  readonly #keys: Keys;
  readonly #numbers: Numbers;
  readonly #refusals: Refusals;
  readonly #rollCall: RollCall;
  readonly #secrets: Secrets;
  readonly #filling: Filling;
  readonly #upkeep: Upkeep;
  #claims: Claims | undefined;
  #reaper: Reaper | undefined;
  #host: Host | undefined;
  #closed = false;
  #joined: () => void = () => {};
  readonly #firstJoin: Promise<void>;

  constructor(options: RedisStoreOptions, deps: RedisStoreDeps) {
    this.#options = options;
    this.#deps = deps;
    const { now, report, eachOpen } = deps;
    this.#keys = keysOf(options.prefix);
    this.clock = new RedisClock(deps.wallOffset);
    this.#firstJoin = new Promise((resolve) => {
      this.#joined = resolve;
    });
    this.link = new Link({
      ...{ redis: openClient(options.place, `ackspan-${this.instance}`), limitBytes: WAITING_BYTES, now },
      ...{ writes: openClient(options.place, `ackspan-${this.instance}-writes`), keys: this.#keys },
      instance: this.instance,
      opened: () => void this.#join(),
      closed: () => this.#lost(),
      doubtful: (certain) => void this.#doubt(certain),
      refused: (error) => this.gate.refused(error),
      told: (text) => this.wire.heard(text),
      fault: (error) => this.gate.unreachable(error.message),
    });
    this.gate = new Gate({ link: this.link, now, report });
    this.wire = new Wire(this.link, this.#keys);
    this.#refusals = new Refusals(this.link);
    this.#secrets = new Secrets({ link: this.link, wire: this.wire, keys: this.#keys, lifeMs: LIFE_MS });
    const { instance, link, clock } = this;
    const { leaseMs, afterMs } = options;
    const about = () => ({ name: hostname(), pid: process.pid });
    this.members = new Members({ link, clock, instance, leaseMs, now, about, keys: this.#keys });
    this.#numbers = new Numbers({ link, key: this.#keys.numbers });
    const outbox = createOutbox({
      ...{ link, instance, keys: this.#keys, gate: this.gate, lifeMs: LIFE_MS },
      // What was written with an older epoch may come back late.
      lost: (ledger, why, had) =>
        this.#claims?.behind(ledger.session.key, () => {
          if (this.journal.ledgerOf(ledger.session) === ledger) this.#host?.letGo(ledger.session.key, why, { had });
        }),
      miss: (ledger) => this.journal.miss(ledger),
      emptied: () => {
        if (this.gate.open) void this.#join();
      },
    });
    const wallOf: WallOf = clock.wallOf;
    this.deadLetters = new RedisLetters({
      ...{ keepMs: options.keepMs, limitBytes: options.keepBytes, link, now, report, keys: this.#keys },
      ready: () => this.gate.open,
      wall: () => wallOf(now()),
    });
    const letters = new LetterScribe({ letters: this.deadLetters, wallOf, traceId: deps.traceId, instance });
    this.journal = new RedisScribe({ outbox, letters, afterMs, wallOf, eachOpen, report });
    this.#upkeep = new Upkeep({
      ...{ link, instance, keys: this.#keys, lifeMs: LIFE_MS },
      ledgers: () => this.journal.ledgers(),
    });
    const refused = (error: Error): void => this.gate.refused(error);
    this.#rollCall = new RollCall({
      ...{ link, instance, clock, now, refused, keys: this.#keys, lifeMs: LIFE_MS },
      ...{ members: this.members, refusals: this.#refusals },
      host: () => this.#host,
      reaper: () => this.#reaper,
      join: () => this.#join(),
      dropped: () => this.#doubt(true),
      startAnew: () => this.#startAnew(),
    });
    this.#filling = new Filling({ link, others: this.journal.others, key: this.#keys.open(instance), refused });
  }

  /**
   * Resolves when Redis has been asked for everything that a start needs, or after a while without
   * it.
   */
  async started(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, START_MS);
    });
    await Promise.race([this.#firstJoin, late]);
    clearTimeout(timer);
    this.#secrets.sign();
  }

  /** From here on sessions are taken over and given back. `room`: whether one more has room. */
  attach(host: Host, numbering: Numbering, room: () => boolean): void {
    const { link, members, wire, instance, clock } = this;
    const shared = { link, keys: this.#keys, instance, leaseMs: this.#options.leaseMs, lifeMs: LIFE_MS };
    this.#host = host;
    this.#numbers.attach(numbering);
    const claims = new Claims({
      ...{ ...shared, members, wire, patienceMs: PATIENCE_MS },
      ...{ refused: (error: Error) => this.gate.refused(error), ready: () => this.gate.open },
      // What was released at the end is asked for all the same by who has not heard of that yet.
      giveBack: (session, at) => this.#closed || host.letGo(session, 'asked', { at }),
      whenClear: (session, next) => (this.#closed ? next() : host.whenClear(session, next)),
      keeps: (session, used) => !this.#closed && host.keeps(session, used),
      adopt: (taken) => host.adopt(taken),
    });
    this.#claims = claims;
    this.#reaper = new Reaper({ ...shared, claims, host, room, redisNow: () => clock.wallOf(this.#deps.now()) });
  }

  get secrets(): readonly string[] {
    return this.#secrets.all;
  }

  /** Why not everything outlives the process just now; undefined = it does. */
  get degraded(): string | undefined {
    if (this.#closed) return undefined;
    const { reason } = this.gate;
    if (reason !== undefined) return reason;
    if (!this.journal.whole) return 'Redis can be written to again and is being filled';
    return this.deadLetters.degraded;
  }

  /**
   * Also where Redis answers late, because it reads what its kernel has, or is still being filled.
   * What waits in this process for a kernel that takes no more may be lost with it.
   */
  handsOver(session: Session): boolean {
    return this.#closed || (this.gate.open && this.journal.hasWhole(session) && !this.link.full);
  }

  /** Whether Redis has said what others have ended, where they may have taken this one for dead. */
  get judged(): boolean {
    return this.gate.open && this.#rollCall.over;
  }

  get counters(): StoreCounters {
    const { answered, refused, dropped, bytes } = this.link.counters;
    return { writes: answered, failures: refused + dropped, written: bytes, stalledMs: 0 };
  }

  /** How sessions are taken over; undefined = Redis cannot be asked. */
  get claims(): Claims | undefined {
    return this.gate.open ? this.#claims : undefined;
  }

  /** On each beat of the process, with its time (monotonic ms). */
  look(now: number): void {
    if (this.#closed) return;
    this.link.look(now);
    this.gate.look(now);
    if (this.gate.due(now)) void this.#join();
    if (this.gate.open) {
      this.#numbers.look();
      if (this.members.due(now)) void this.#rollCall.beat();
      this.#upkeep.look(now);
    }
    this.deadLetters.look(now);
    this.journal.look(now);
  }

  /**
   * Gives every session back and says goodbye: the next who asks may have them, and whoever is
   * there sees to the rest.
   */
  async close(): Promise<void> {
    this.journal.finish();
    // Of what others have taken, Redis says so where something of it was written just now.
    await this.link.judged(PATIENCE_MS);
    this.#host?.stops();
    this.journal.finish();
    this.deadLetters.close();
    this.#closed = true;
    if (this.gate.open) {
      // The sessions stay among those that it had: if nobody comes for one of them, somebody must
      // see to its end.
      this.link.together(() => {
        for (const { session, epoch } of this.journal.ledgers())
          this.link.write(RELEASE, [this.#keys.session(session.key)], [epoch]);
      });
      this.link.write(DO, [this.#keys.leases], ['ZADD', '0', this.instance]);
    }
    await this.link.end(PATIENCE_MS);
  }

  /** Finds out what Redis may have lost, on new connections, and writes everything again. */
  async #join(): Promise<void> {
    const { link, gate, members, instance } = this;
    gate.tries();
    members.quiet();
    try {
      await Promise.all([...SCRIPTS, ...LETTER_SCRIPTS].map(({ text }) => link.send('script', ['load', text])));
      await link.prepare();
      gate.answers(link.answers);
      await link.read();
      await members.beat();
      // What came over an earlier connection would undo some of what is written anew.
      await members.alone();
      await link.send('subscribe', [this.#keys.channel(instance), this.#keys.everyone]);
      await this.#secrets.agree();
      await this.#refusals.look();
      await this.#numbers.begin();
      await this.#rollCall.forgetTaken();
      this.journal.startAnew();
      gate.opens();
      await this.#filling.fill();
      this.#joined();
    } catch (error) {
      gate.refused(error as Error);
    }
  }

  /** Redis may have dropped some of what it was told, without a word; or it has. */
  async #doubt(certain: boolean): Promise<void> {
    try {
      if (!certain && (await this.#refusals.look()) === false) return;
    } catch {
      // What stands in the way of the question is told of by the connection itself.
      return;
    }
    if (!this.gate.open) return;
    this.retold++;
    this.#deps.report({ stage: 'store', error: new Error(DROPPED) });
    this.#startAnew();
  }

  #startAnew(): void {
    this.journal.startAnew();
    if (this.gate.open) void this.#filling.fill().catch((error: Error) => this.gate.refused(error));
  }

  #lost(): void {
    this.gate.lost();
    this.journal.startAnew();
  }
}
