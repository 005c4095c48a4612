// Test support: the sidecar's half of the opt-in protocol as it is documented, kept as simple as it can be, with everything it hears written down.

/** A connection as the fake sees it. */
export interface Link {
  send(data: string | Uint8Array): void;
  close(code: number): void;
}

/** One session and what its client said about it. */
export class FakeSession {
  readonly id: string;
  /**
   * Tokens that resume it: the newest, and the one that it replaced, for the welcome may be lost
   * with its connection.
   */
  tokens: string[] = [];
  link: Link | undefined;
  /** Upstream's messages; ordinal = index + 1. */
  readonly messages: (string | Uint8Array)[] = [];
  /** Ordinals whose payload is not kept: they cannot be replayed. */
  readonly unkept = new Set<number>();
  /**
   * Ordinals that were missed and could not be replayed: no cumulative confirmation may cover them.
   */
  readonly lost = new Set<number>();
  readonly confirmed = new Set<number>();
  readonly rejected = new Map<number, string>();
  /** Highest serial that was heard; serials never go back. */
  heard = 0;
  /** Everything that a correct client never does. */
  readonly faults: string[] = [];
  constructor(id: string) {
    this.id = id;
  }

  /** The upstream sends: relayed as it is, or missed when nobody is connected. */
  push(data: string | Uint8Array, kept = true): number {
    const n = this.messages.push(data);
    if (!kept) this.unkept.add(n);
    // A message that looks like a notice gets one, so that the client takes it for what it is.
    if (typeof data === 'string' && /^\{"ackspan":"(replay|heard)"/.test(data)) this.link?.send(notice(n));
    this.link?.send(data);
    return n;
  }

  /** Sends message `n` again over the live connection. */
  resend(n: number): void {
    this.link?.send(notice(n));
    this.link?.send(this.messages[n - 1]!);
  }

  /** Takes a word in; with `answers` it says so at once. */
  hear(text: string, answers = true): void {
    const message = JSON.parse(text);
    if (message.ackspan === 'reject') this.#settle(message.n, message.reason);
    else if (message.ackspan === 'confirm') {
      if (message.through > this.messages.length) this.faults.push(`confirmed the future: ${text}`);
      if (text.length > 4096) this.faults.push(`too long to be read: ${text.length}`);
      for (let n = 1; n <= message.through; n++) if (!this.lost.has(n)) this.#settle(n);
      for (const n of message.also ?? []) this.#settle(n);
    } else if (message.ackspan !== 'still') this.faults.push(`unknown: ${text}`);
    if (!(message.s > this.heard)) this.faults.push(`serial after ${this.heard}: ${text}`);
    this.heard = message.s;
    if (answers) this.link?.send(`{"ackspan":"heard","s":${this.heard}}`);
  }

  get open(): number[] {
    return this.messages
      .map((_, index) => index + 1)
      .filter((n) => !this.lost.has(n) && !this.confirmed.has(n) && !this.rejected.has(n));
  }

  #settle(n: number, reason?: string): void {
    if (this.confirmed.has(n) || this.rejected.has(n)) return;
    if (n > this.messages.length || this.lost.has(n)) this.faults.push(`ended ${n}, which it never got`);
    if (reason === undefined) this.confirmed.add(n);
    else this.rejected.set(n, reason);
  }
}

const notice = (n: number): string => `{"ackspan":"replay","n":${n}}`;

/** All sessions of one sidecar. */
export class FakeSidecar {
  readonly sessions: FakeSession[] = [];
  /** Whether the upstream's connection outlives the client's. */
  keepsUpstream = false;
  /**
   * What the welcome says of silence, ms; undefined: an older sidecar, which never says what it has
   * heard.
   */
  silence: number | undefined = 0;
  /** Whether it is silent about what it hears, though it could tell. */
  mute = false;
  /** Queries as they came. */
  readonly queries: URLSearchParams[] = [];

  /** A client says something. */
  hear(session: FakeSession | undefined, text: string): void {
    session?.hear(text, this.silence !== undefined && !this.mute);
  }

  get session(): FakeSession {
    return this.sessions.at(-1)!;
  }

  /** An upgrade was answered: welcomes, then replays what the client has not got. */
  attach(query: URLSearchParams, link: Link): FakeSession {
    this.queries.push(query);
    const asked = this.sessions.find(
      (one) => one.id === query.get('ackspan_session') && one.tokens.includes(query.get('ackspan_token')!),
    );
    const session = asked ?? new FakeSession(`s${this.sessions.length + 1}`);
    if (!asked) this.sessions.push(session);
    const older = session.link;
    session.link = link;
    older?.close(4409);
    const token = `${session.id}/${this.queries.length}`;
    session.tokens = [token, ...(asked ? [query.get('ackspan_token')!] : [])];
    const next = session.messages.length + 1;
    link.send(
      JSON.stringify({
        ackspan: 'welcome',
        session: session.id,
        token,
        next,
        recovered: !!asked,
        rejoined: !!asked && this.keepsUpstream,
        silence: this.silence,
        heard: (this.silence !== undefined && session.heard) || undefined,
      }),
    );
    for (let n = Number(query.get('ackspan_last') ?? 0) + 1; asked && n < next; n++) {
      if (session.confirmed.has(n) || session.rejected.has(n)) continue;
      if (session.unkept.has(n)) session.lost.add(n);
      else session.resend(n);
    }
    return session;
  }
}
