/** Seeded randomness: independent named streams, the same on every machine. */

/** State of one stream (sfc32); mutated by every draw. */
export interface Random {
  a: number;
  b: number;
  c: number;
  d: number;
}

/** FNV-1a with a finaliser: 32 well-mixed bits of a text under a salt. */
function mix(text: string, salt: number): number {
  let h = (2166136261 ^ salt) >>> 0;
  for (let i = 0; i < text.length; i += 1) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * The stream of this name under this seed. Streams of different names are independent, so drawing
 * more from one never moves another. 128 bits of state: a million streams do not overlap, which
 * they would with a 32-bit generator.
 */
export function stream(seed: number | string, name: string): Random {
  const text = `${seed}\u0000${name}`;
  const random = {
    a: mix(text, 0x9e3779b9),
    b: mix(text, 0x243f6a88),
    c: mix(text, 0xb7e15162),
    d: 1,
  };
  for (let i = 0; i < 12; i += 1) uniform(random);
  return random;
}

/** Uniform in [0, 1), 32 bits. */
export function uniform(random: Random): number {
  const sum = (random.a + random.b + random.d) | 0;
  random.d = (random.d + 1) | 0;
  random.a = random.b ^ (random.b >>> 9);
  random.b = (random.c + (random.c << 3)) | 0;
  random.c = ((random.c << 21) | (random.c >>> 11)) + sum;
  random.c |= 0;
  return (sum >>> 0) / 4294967296;
}

/** Integer in [low, high], both included. */
export function integer(random: Random, low: number, high: number): number {
  return low + Math.floor(uniform(random) * (high - low + 1));
}

/** Uniform in [low, high). */
export function between(random: Random, low: number, high: number): number {
  return low + uniform(random) * (high - low);
}

/** True with probability `share`. */
export function chance(random: Random, share: number): boolean {
  return uniform(random) < share;
}

/** One of a list. Throws RangeError when it is empty. */
export function pick<T>(random: Random, list: readonly T[]): T {
  if (list.length === 0) throw new RangeError('cannot pick from an empty list');
  return list[Math.floor(uniform(random) * list.length)] as T;
}

/** Exponential with this mean, > 0. */
export function exponential(random: Random, mean: number): number {
  return -mean * Math.log(1 - uniform(random));
}

/** Normal with this mean and deviation (Box–Muller, one value of the pair). */
export function normal(random: Random, mean: number, deviation: number): number {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform(random)));
  return mean + deviation * radius * Math.cos(2 * Math.PI * uniform(random));
}

/** Log-normal with this median; `sigma` is the deviation of the logarithm. */
export function logNormal(random: Random, median: number, sigma: number): number {
  return median * Math.exp(normal(random, 0, sigma));
}

/** A shuffled copy. */
export function shuffled<T>(random: Random, list: readonly T[]): T[] {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i -= 1) {
    const j = integer(random, 0, i);
    const held = copy[i] as T;
    copy[i] = copy[j] as T;
    copy[j] = held;
  }
  return copy;
}

/** Eight hexadecimal digits. */
export function hex8(random: Random): string {
  return Math.floor(uniform(random) * 4294967296)
    .toString(16)
    .padStart(8, '0');
}
