/** Durations with their unit, 30s or 4h: how files write them, and what they are in ms. */
import { Type } from 'typebox';

/** A duration with its unit, as configuration writes it. */
export const duration = (description: string, fallback: string) =>
  Type.String({
    pattern: '^[0-9]+(ms|s|m|h|d)$',
    description: `${description} Written 500ms, 30s, 15m, 4h, 7d.`,
    default: fallback,
  });

/** Milliseconds of a duration as written in configuration. Throws on anything the schema refuses. */
export function durationMs(text: string): number {
  const match = /^([0-9]+)(ms|s|m|h|d)$/.exec(text);
  if (match === null) throw new RangeError(`not a duration: ${text}`);
  const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match[2] as 'ms'];
  return Number(match[1]) * factor;
}
