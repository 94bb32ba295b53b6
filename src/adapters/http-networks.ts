/** HTTP networks: addresses and networks of configuration, and whether a peer lies in them. */
import { BlockList, isIP } from 'node:net';

/** Addresses and networks as a list that can be asked; what is none was refused by configuration. */
export function networksOf(given: readonly string[]): BlockList {
  const list = new BlockList();
  for (const one of given) {
    const [address = '', bits] = one.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

/** Does a peer lie in the list? An address that is none does not. */
export function listed(list: BlockList, peer: string): boolean {
  // An IPv4 peer of a socket that speaks both is written as IPv6.
  const address = peer.replace(/^::ffff:(?=[0-9.]+$)/, '');
  return isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
