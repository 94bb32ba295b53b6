/** Parts of times, UTC: what the modifiers minute to year take from the field of an event. */
import type { TimePart } from '../../model/sigma.ts';

const ISO =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?\s?(Z|[+-]\d{2}:?\d{2})?)?$/;
/** A number below it counts seconds, one above milliseconds: the year 5138 and the year 1973. */
const SECONDS_MAX = 1e11;
const DAY_MS = 86_400_000;

/**
 * Part of a time; null where the value is none. Read are ISO 8601 texts (without an offset: UTC) and
 * numbers since 1970, in seconds, milliseconds or, as decimal texts of 19 digits, nanoseconds.
 */
export function timePart(value: string | number | boolean, part: TimePart): number | null {
  const ms = readTime(value);
  if (ms === null) return null;
  const day = Math.floor(ms / DAY_MS);
  const minutes = Math.floor((ms - day * DAY_MS) / 60_000);
  switch (part) {
    case 'minute':
      return minutes % 60;
    case 'hour':
      return Math.floor(minutes / 60);
    case 'week':
      return isoWeek(day);
    default:
      return civil(day)[part];
  }
}

function readTime(value: string | number | boolean): number | null {
  if (typeof value === 'boolean') return null;
  if (typeof value === 'number') return inRange(value < SECONDS_MAX ? value * 1000 : value);
  if (/^\d{19}$/.test(value)) return inRange(Number(value.slice(0, 13)));
  if (/^\d{1,15}$/.test(value)) return readTime(Number(value));
  const match = ISO.exec(value);
  if (match === null) return null;
  const [, year, month, day, hour = '00', minute = '00', second = '00', zone = 'Z'] = match;
  if (Number(month) < 1 || Number(month) > 12 || Number(day) < 1 || Number(day) > 31) return null;
  const parts = [year, Number(month) - 1, day, hour, minute, second].map(Number);
  const ms = Date.UTC(...(parts as [number, number, number, number, number, number]));
  const ahead = zone === 'Z' ? 0 : Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return ms - (zone.startsWith('-') ? -ahead : ahead) * 60_000;
}

function inRange(ms: number): number | null {
  return Number.isFinite(ms) && Math.abs(ms) <= 8.64e15 ? ms : null;
}

/** Date of a day counted from 1 January 1970, in the Gregorian calendar. */
function civil(day: number): {
  readonly year: number;
  readonly month: number;
  readonly day: number;
} {
  // Years are counted from 1 March, so that the leap day ends them (Hinnant, chrono-compatible dates).
  const shifted = day + 719_468;
  const era = Math.floor(shifted / 146_097);
  const ofEra = shifted - era * 146_097;
  const leaps = Math.floor(ofEra / 1460) - Math.floor(ofEra / 36_524) + Math.floor(ofEra / 146_096);
  const yearOfEra = Math.floor((ofEra - leaps) / 365);
  const ofYear =
    ofEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const march = Math.floor((5 * ofYear + 2) / 153);
  const month = march < 10 ? march + 3 : march - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: ofYear - Math.floor((153 * march + 2) / 5) + 1,
  };
}

/** ISO 8601: weeks begin on Monday, and the first is the one that holds 4 January. */
function isoWeek(day: number): number {
  const sinceMonday = (((day + 3) % 7) + 7) % 7;
  const thursday = day - sinceMonday + 3;
  const newYear = Date.UTC(civil(thursday).year, 0, 1) / DAY_MS;
  return 1 + Math.floor((thursday - newYear) / 7);
}
