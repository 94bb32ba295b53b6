/** Networks: IPv4 and IPv6 addresses as numbers, and whether a network holds one. */

interface Address {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** The test whether a text is an address within a network; null where the network cannot be read. */
export function compileCidr(network: string): ((text: string) => boolean) | null {
  const match = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(network);
  const base = match === null ? null : readAddress(match[1] ?? '');
  if (base === null) return null;
  const length = match?.[2] === undefined ? base.bits : Number(match[2]);
  if (length > base.bits) return null;
  const shift = BigInt(base.bits - length);
  const prefix = base.value >> shift;
  return (text) => {
    const address = readAddress(text);
    if (address === null) return false;
    const { bits, value } = address.bits === base.bits ? address : mapped(address, base.bits);
    return bits === base.bits && value >> shift === prefix;
  };
}

/** An address; null where the text is none. A zone (`%eth0`) is left aside. */
function readAddress(text: string): Address | null {
  if (text.length > 64) return null;
  const zoneless = text.replace(/%.*$/, '');
  if (!zoneless.includes(':')) {
    const value = readFour(zoneless);
    return value === null ? null : { bits: 32, value };
  }
  const value = readSix(zoneless);
  return value === null ? null : { bits: 128, value };
}

function readFour(text: string): bigint | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let value = 0n;
  for (const part of parts) {
    // A leading zero is octal to some and decimal to others: such a text is no address.
    if (!/^(?:0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

function readSix(text: string): bigint | null {
  let groups = text;
  const dotted = /:(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted !== null) {
    const four = readFour(dotted[1] ?? '');
    if (four === null) return null;
    const pair = `${(four >> 16n).toString(16)}:${(four & 0xffffn).toString(16)}`;
    groups = `${text.slice(0, dotted.index + 1)}${pair}`;
  }
  const halves = groups.split('::');
  if (halves.length > 2) return null;
  const [head = [], tail = []] = halves.map((half) => (half === '' ? [] : half.split(':')));
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  let value = 0n;
  for (const group of [...head, ...new Array<string>(missing).fill('0'), ...tail]) {
    if (!/^[0-9a-f]{1,4}$/i.test(group)) return null;
    value = (value << 16n) | BigInt(`0x${group}`);
  }
  return value;
}

const MAPPED = 0xffffn << 32n;

/** An IPv4 address within IPv6 (`::ffff:10.0.0.1`) is the IPv4 address it stands for. */
function mapped(address: Address, bits: 32 | 128): Address {
  if (bits === 32 && address.value >> 32n === MAPPED >> 32n)
    return { bits: 32, value: address.value & 0xffffffffn };
  return address;
}
