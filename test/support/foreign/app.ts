// Test support: an application on a foreign protocol: its server, and a client of the protocol's own library.

/** Messages that each server sends to each client. */
export const NOTES = 20;

export interface ForeignApp {
  /** Programs that the application needs, as `missing` takes them. */
  readonly needs?: readonly string[];
  /** Whether several messages of the protocol may share one of WebSocket. */
  readonly joins?: boolean;
  /**
   * Starts the server on a free loopback port, until the end of the test. Returns its `http://`
   * address.
   */
  serve(): Promise<string>;
  /**
   * Connects a client, has the server send `NOTES` messages, and leaves in good order. Returns what
   * the client's application received.
   */
  converse(address: string): Promise<readonly unknown[]>;
}

/** Waits until so many messages have come, then returns them. */
export function createInbox(wanted = NOTES): { readonly all: Promise<readonly unknown[]>; put(item: unknown): void } {
  const items: unknown[] = [];
  let done: (items: readonly unknown[]) => void = () => {};
  const all = new Promise<readonly unknown[]>((resolve) => {
    done = resolve;
  });
  return {
    all,
    put(item) {
      if (items.push(item) === wanted) done(items);
    },
  };
}

/** The address of a server for a WebSocket. */
export function wsOf(address: string): string {
  return address.replace('http', 'ws');
}
