/** What the listener counts: every answer there was, by what it was. */

/** Every answer there was, by what it was. */
export const HTTP_COUNTS = [
  'answered',
  'unauthenticated',
  'forbidden',
  'limited',
  'not-found',
  'refused',
  'failed',
] as const;
/** One of HTTP_COUNTS. */
export type HttpCount = (typeof HTTP_COUNTS)[number];
/** Answers by kind, and how many requests are open. */
export type HttpCounts = Readonly<Record<HttpCount | 'open', number>>;

/** No answer yet. */
export function zeroCounts(): Record<HttpCount, number> {
  return {
    ...{ answered: 0, unauthenticated: 0, forbidden: 0, limited: 0 },
    ...{ 'not-found': 0, refused: 0, failed: 0 },
  };
}
