/** Times as producers write them, to milliseconds and nanoseconds: strict, total, no Date. */

/** A point in time. Two numbers, because one cannot hold nanoseconds since 1970. */
export interface Instant {
  /** Milliseconds since 1970, from 1970-01-01 to 9999-12-31. */
  readonly ms: number;
  /** Nanoseconds within the millisecond, 0..999999. */
  readonly nsInMs: number;
}

/** Last millisecond of the year 9999. */
const MS_MAX = 253_402_300_799_999;

/** Units in which producers count from 1970, with the digits they lack to nanoseconds. */
export const EPOCH_UNITS = { unix_s: 9, unix_ms: 6, unix_us: 3, unix_ns: 0 } as const;
/** Name of an epoch unit. */
export type EpochUnit = keyof typeof EPOCH_UNITS;

/**
 * Reads an RFC 3339 date-time: `2026-03-01T09:30:00.123456789+01:00`. Up to 9 digits of fraction;
 * `T` and `Z` in either case; second 60 counts as the first of the next minute. Null for anything
 * else and for years before 1970 or after 9999.
 */
export function parseRfc3339(text: string): Instant | null {
  if (text.length < 20 || text.length > 35) return null;
  const year = digits(text, 0, 4);
  const month = digits(text, 5, 7);
  const day = digits(text, 8, 10);
  const hour = digits(text, 11, 13);
  const minute = digits(text, 14, 16);
  const second = digits(text, 17, 19);
  const separators =
    text.charCodeAt(4) === MINUS &&
    text.charCodeAt(7) === MINUS &&
    (text.charCodeAt(10) | 32) === LOWER_T &&
    text.charCodeAt(13) === COLON &&
    text.charCodeAt(16) === COLON;
  if (!separators || (year | month | day | hour | minute | second) < 0) return null;
  if (hour > 23 || minute > 59 || second > 60) return null;
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) return null;
  let at = 19;
  let fraction = 0;
  if (text.charCodeAt(at) === DOT) {
    const end = digitsEnd(text, at + 1);
    const count = end - at - 1;
    if (count < 1 || count > 9) return null;
    fraction = digits(text, at + 1, end) * 10 ** (9 - count);
    at = end;
  }
  const offsetMinutes = zone(text, at);
  if (offsetMinutes === null) return null;
  const seconds =
    daysSince1970(year, month, day) * 86_400 + hour * 3600 + (minute - offsetMinutes) * 60 + second;
  const msInSecond = Math.floor(fraction / 1_000_000);
  return instant(seconds * 1000 + msInSecond, fraction - msInSecond * 1_000_000);
}

/**
 * Reads a count since 1970 in `unit`, written as a number or as a decimal string, with or without
 * a fraction; digits beyond nanoseconds are dropped. Null for anything else, and outside the years
 * 1970–9999. A JSON number of nanoseconds has lost digits before it comes here.
 */
export function parseEpoch(value: unknown, unit: EpochUnit): Instant | null {
  let text: string;
  if (typeof value === 'number') text = String(value);
  else if (typeof value === 'string') text = value;
  else return null;
  if (text.length > 40) return null;
  const whole = digitsEnd(text, 0);
  if (whole === 0) return null;
  let fraction = '';
  if (whole < text.length) {
    const end = digitsEnd(text, whole + 1);
    if (text.charCodeAt(whole) !== DOT || end !== text.length || end === whole + 1) return null;
    fraction = text.slice(whole + 1);
  }
  const missing = EPOCH_UNITS[unit];
  return parseNs(text.slice(0, whole) + fraction.slice(0, missing).padEnd(missing, '0'));
}

/** Reads nanoseconds since 1970 from a string of digits. Null for anything else. */
export function parseNs(text: string): Instant | null {
  const length = text.length;
  if (length === 0 || length > 40 || digitsEnd(text, 0) !== length) return null;
  const cut = Math.max(0, length - 6);
  return instant(cut === 0 ? 0 : Number(text.slice(0, cut)), Number(text.slice(cut)));
}

/** Writes an instant as nanoseconds since 1970, the way the wire form has it. */
export function formatNs(at: Instant): string {
  return at.ms === 0 ? String(at.nsInMs) : `${at.ms}${String(at.nsInMs).padStart(6, '0')}`;
}

const MINUS = 0x2d;
const PLUS = 0x2b;
const DOT = 0x2e;
const COLON = 0x3a;
const LOWER_T = 0x74;
const LOWER_Z = 0x7a;

function instant(ms: number, nsInMs: number): Instant | null {
  return ms >= 0 && ms <= MS_MAX ? { ms, nsInMs } : null;
}

/** Minutes east of UTC of the zone that fills the rest of the text; null where it is none. */
function zone(text: string, at: number): number | null {
  const sign = text.charCodeAt(at);
  if ((sign | 32) === LOWER_Z) return text.length === at + 1 ? 0 : null;
  if (sign !== PLUS && sign !== MINUS) return null;
  if (text.length !== at + 6 || text.charCodeAt(at + 3) !== COLON) return null;
  const hours = digits(text, at + 1, at + 3);
  const minutes = digits(text, at + 4, at + 6);
  if (hours < 0 || minutes < 0 || hours > 23 || minutes > 59) return null;
  const east = hours * 60 + minutes;
  return sign === MINUS ? -east : east;
}

/** The number written between two places, or -1 where something else than digits is there. */
function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i += 1) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function digitsEnd(text: string, from: number): number {
  let i = from;
  while (i < text.length && text.charCodeAt(i) >= 48 && text.charCodeAt(i) <= 57) i += 1;
  return i;
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** Days between 1970-01-01 and a date of the Gregorian calendar (years counted from March). */
function daysSince1970(year: number, month: number, day: number): number {
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const dayOfEra =
    yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * 146_097 + dayOfEra - 719_468;
}
