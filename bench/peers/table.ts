// The list of peers, in the order in which they take their turns.
import { ackspan, ackspanApp } from './ackspan.ts';
import { haproxy } from './haproxy.ts';
import { nginx } from './nginx.ts';
import { httpProxy3, wsToWs, wsToWsOtel } from './node.ts';
import type { Peer } from './peer.ts';

/** No proxy: client and backend joined directly, the zero of every latency. */
export const DIRECT = 'direct';

export const PEERS: readonly Peer[] = [nginx, haproxy, httpProxy3, ackspan, ackspanApp, wsToWs, wsToWsOtel];

/** The peer of that name, or undefined for `direct`. Throws on an unknown name. */
export function peerNamed(name: string): Peer | undefined {
  if (name === DIRECT) return undefined;
  const peer = PEERS.find((candidate) => candidate.name === name);
  if (peer === undefined) throw new Error(`no peer is called ${name}`);
  return peer;
}
