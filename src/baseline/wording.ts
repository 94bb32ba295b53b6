/** Wording: how sentences of dimensions name what agents named, and print figures. */

/** Longer names are no names: they never become known, and are not repeated. */
export const NAME_MAX = 128;

const PLAIN_NAME = /^[A-Za-z_][\w.:/-]*$/;
const LEVEL_NAMES: readonly (readonly string[])[] = [
  [],
  ['role'],
  ['role', 'fleet'],
  ['agent', 'role', 'fleet'],
];

/**
 * A tool's name as a sentence may bear it: plain names of up to 64 characters as they are. Others are
 * described, for an agent may name a tool that does not exist in any words it likes.
 */
export function named(tool: string): string {
  if (tool.length <= 64 && PLAIN_NAME.test(tool)) return tool;
  return `a name of ${tool.length} characters`;
}

/** A symbol of parts, joined by `:`; empty where it is too long ever to be known. */
export function symbolOf(...parts: readonly string[]): string {
  if (parts.length === 1) return (parts[0] as string).length > NAME_MAX ? '' : (parts[0] as string);
  let length = parts.length - 1;
  for (const part of parts) length += part.length;
  return length > NAME_MAX ? '' : parts.join(':');
}

/** Names of hierarchy levels, most particular first, for so many levels. */
export function levelNames(levels: number): readonly string[] {
  return LEVEL_NAMES[Math.min(levels, 3)] ?? [];
}

/** A count with separators of thousands: 1,214. */
export function grouped(n: number): string {
  return String(Math.round(n)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A figure with three significant digits, plain where that is short. */
export function rounded(x: number): string {
  if (Math.abs(x) >= 1_000) return grouped(x);
  return String(Number(x.toPrecision(3)));
}

/** A record of string keys in sorted order; own properties only, whatever the keys are called. */
export function sortedRecord<T>(entries: Iterable<readonly [string, T]>): Record<string, T> {
  return Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));
}
