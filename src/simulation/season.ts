/** Seasons of load: by hour of the day and day of the week, in UTC, for each kind of hours. */
import type { Hours } from './role.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** 1 January 1970 was a Thursday; 0 is Sunday. */
const FIRST_DAY = 4;

/** Share of a full hour for each hour of the day, and of a full day at the weekend. */
const SHAPES: Readonly<
  Record<Hours, { readonly hours: readonly number[]; readonly rest: number }>
> = {
  office: {
    hours: [1, 1, 1, 1, 1, 2, 6, 20, 60, 90, 100, 90, 55, 80, 95, 90, 70, 35, 14, 7, 4, 3, 2, 1],
    rest: 0.12,
  },
  evening: {
    hours: [
      25, 14, 8, 5, 4, 5, 10, 18, 30, 38, 42, 48, 52, 48, 46, 50, 60, 75, 90, 100, 98, 85, 62, 40,
    ],
    rest: 1.3,
  },
  night: {
    hours: [
      95, 100, 100, 90, 75, 55, 30, 14, 8, 6, 6, 6, 8, 6, 6, 8, 10, 12, 16, 24, 40, 60, 80, 90,
    ],
    rest: 0.7,
  },
  steady: {
    hours: [
      60, 55, 52, 50, 50, 55, 62, 72, 85, 95, 100, 100, 96, 98, 100, 98, 92, 88, 82, 78, 75, 72, 68,
      64,
    ],
    rest: 0.75,
  },
};

function mean(hours: readonly number[], rest: number): number {
  return (hours.reduce((sum, hour) => sum + hour, 0) / hours.length) * ((5 + 2 * rest) / 7);
}

/** Load at a time relative to the mean of the week; 1 on average over any whole week. */
export function load(hours: Hours, ms: number): number {
  const shape = SHAPES[hours];
  const day = (Math.floor(ms / DAY_MS) + FIRST_DAY) % 7;
  const share = day === 0 || day === 6 ? shape.rest : 1;
  const hour = shape.hours[Math.floor(ms / HOUR_MS) % 24] ?? 0;
  return (hour * share) / mean(shape.hours, shape.rest);
}

/** No load is ever above this. */
export const LOAD_MAX = Math.max(
  ...Object.values(SHAPES).map(
    ({ hours, rest }) => (Math.max(...hours) * Math.max(1, rest)) / mean(hours, rest),
  ),
);
