// front: the peers that may say for whom they forward, and the client's address behind them.
import { BlockList, isIP } from 'node:net';

/**
 * Checks whether an address without IPv4-mapped prefix is in one of `networks`: IP addresses, or
 * CIDR ranges (RFC 4632, RFC 4291).
 */
export function createPeerCheck(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return (address) => {
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
  };
}

/** Longest `X-Forwarded-For` that is read, characters: more proxies than stand in one row. */
const FORWARDED_LIMIT = 2_048;

/**
 * The address of the client behind the proxies that are trusted: `peer`, or the last address of
 * `X-Forwarded-For` that no trusted proxy stands for. What stands to the left of that address is
 * the client's own text, and is not believed. A trusted proxy that names no address stands for
 * itself.
 */
export function clientAddress(
  peer: string,
  forwardedFor: string | undefined,
  isTrusted: (address: string) => boolean,
): string {
  let client = peer;
  const named = (forwardedFor ?? '').slice(-FORWARDED_LIMIT).split(',');
  while (named.length > 0 && isTrusted(client)) {
    const address = readAddress(named.pop()!.trim());
    if (address === undefined) return client;
    client = address;
  }
  return client;
}

/** An address as proxies write it: bare, in brackets, or with a port. */
function readAddress(text: string): string | undefined {
  const bare = /^\[([^\]]+)\](?::\d+)?$/.exec(text)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text)?.[1] ?? text;
  const address = bare.replace(/^::ffff:(?=\d+\.)/i, '');
  return isIP(address) === 0 ? undefined : address;
}
