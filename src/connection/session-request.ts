// connection: a request for an upgrade, as far as sessions go: what it asks for, what was decided, and whether an upstream connection fits it.

import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Session } from '../delivery/session.ts';
import type { OptIn } from '../resume/opt-in.ts';
import type { Berth } from '../resume/registry.ts';
import type { Connection } from './connection.ts';
import type { ConnectionFacts } from './parts.ts';

/** A request for an upgrade, as far as sessions go: one object from its admission to its connection. */
export interface SessionRequest {
  /** What its query asks for; undefined = the client has not opted in. */
  readonly optIn: OptIn | undefined;
  /** Whose it is, where that is proven. */
  readonly user: string | undefined;
  /** The session that it may go on with; undefined until that is decided, once. */
  claim: Claim | 'none' | undefined;
}

/** A client that goes on with its session over the upstream connection that is still there. */
export interface Returning {
  /** The session that goes on. */
  readonly session: Session;
  /** As the upstream had chosen it; undefined for none. */
  readonly subprotocol: string | undefined;
  /** Takes over the client's socket, on which the upgrade has been answered. Does not throw. */
  join(facts: ConnectionFacts, client: Socket, head: Buffer): void;
}

/** Somebody may go on with a session. */
export interface Claim {
  readonly berth: Berth<Connection>;
  /** What its application has been given. */
  readonly last: number;
  readonly number: number;
}

/** Whether the client asks for what its upstream connection is: the sidecar answers in the upstream's place. */
export function fits({ url, headers }: IncomingMessage, facts: ConnectionFacts): boolean {
  if (headers['sec-websocket-version'] !== '13' || url?.split('?', 1)[0] !== facts.path) return false;
  const { subprotocol } = facts;
  if (subprotocol === undefined) return true;
  const offers = headers['sec-websocket-protocol'] ?? '';
  return offers.split(',').some((offer) => offer.trim() === subprotocol);
}
