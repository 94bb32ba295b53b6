/** Makes outside text storable: what PostgreSQL refuses is replaced, what is long is cut. */
import { hash } from 'node:crypto';
import { canonicalJson } from '../model/canonical-json.ts';

const KEY_MAX = 512;
const TEXT_MAX = 65_536;
const DEPTH_MAX = 64;
const NUL = '\u0000';

/**
 * Text as it can be stored: NUL and lone surrogates become U+FFFD, and what is longer than `max`
 * UTF-16 units is cut and marked with `…`. PostgreSQL refuses a whole statement for one NUL
 * (22021), so this stands before every bound text.
 */
export function cleanText(text: string, max = TEXT_MAX): string {
  const cut = text.length > max ? `${text.slice(0, max - 1)}…` : text;
  const whole = cut.isWellFormed() ? cut : cut.toWellFormed();
  return whole.includes(NUL) ? whole.replaceAll(NUL, '\uFFFD') : whole;
}

/**
 * Text as a key of at most `max` UTF-16 units: 512 take up to 1.5 kB in an index, whose entries end
 * at 2.7 kB. A text that had to be changed gets the hash of what it
 * was, so that two different ids stay two.
 */
export function cleanKey(text: string, max = KEY_MAX): string {
  if (text.length <= max && text.isWellFormed() && !text.includes(NUL)) return text;
  return `${cleanText(text, max - 112)}~${hash('sha256', Buffer.from(text, 'utf16le'), 'hex')}`;
}

/** `cleanKey` for what may be absent. */
export function cleanKeyOrNull(text: string | null): string | null {
  return text === null ? null : cleanKey(text);
}

const clean = (value: unknown, depth: number): unknown => {
  if (typeof value === 'string') return cleanText(value);
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'bigint' ? String(value) : value;
  }
  if (depth >= DEPTH_MAX) return '[too deep]';
  if (Array.isArray(value)) return value.map((item) => clean(item, depth + 1));
  // Without a prototype, so that a member called __proto__ is a member.
  const out: Record<string, unknown> = Object.create(null);
  for (const [key, member] of Object.entries(value)) out[cleanKey(key)] = clean(member, depth + 1);
  return out;
};

/**
 * Canonical JSON of a value that jsonb accepts whatever its strings hold: cleaned, keys sorted,
 * nothing deeper than 64 levels, no number that is not finite.
 */
export function storableJson(value: unknown): string {
  return canonicalJson(clean(value, 0));
}

/** A number as bigint columns take it: whole, within the safe range; null where it is not finite. */
export function wholeOrNull(value: number | null): number | null {
  if (value === null || !Number.isFinite(value)) return null;
  const bounded = Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
  return Math.trunc(bounded);
}

/** As `wholeOrNull`, with 0 where the column cannot be null. */
export function whole(value: number): number {
  return wholeOrNull(value) ?? 0;
}
