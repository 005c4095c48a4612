// Test support: an application on somebody else's protocol: its server, and a client of the protocol's own library.

/** Messages that each server sends to each client. */
export const NOTES = 20;

export interface ForeignApp {
  /** A program that it needs. */
  readonly needs?: string;
  /** Several messages of the protocol may share one of WebSocket. */
  readonly joins?: boolean;
  /** Starts the server on a free loopback port, until the end of the test; its `http://` address. */
  serve(): Promise<string>;
  /** Connects a client, has the server send `NOTES` messages, and leaves in good order. What the client's application has got. */
  converse(address: string): Promise<readonly unknown[]>;
}

/** Waits until so many have come, then answers them. */
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

/** The same address for a WebSocket. */
export function wsOf(address: string): string {
  return address.replace('http', 'ws');
}
