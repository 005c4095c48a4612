// front: the peers that may say for whom they forward: addresses and networks that the operator names.
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
