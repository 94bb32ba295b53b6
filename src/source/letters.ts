/** Letters: how many dead letters of a source are kept: rubbish must not fill the store. */
import type { DeadLetter } from '../model/detection.ts';

/** Dead letters of one source that are kept whole in an hour, and in all; the rest is counted. */
export const LETTERS_WHOLE_MAX = 1000;
/** See LETTERS_WHOLE_MAX. */
export const LETTERS_MAX = 10_000;
/** Bytes that the others keep of their record. */
const CUT_BYTES = 256;
const HOUR_MS = 3_600_000;

/** What becomes of a letter; `isFirst` where it is the first of its hour that is not kept as it is. */
export interface Posted {
  /** Null: counted, and not kept. */
  readonly letter: DeadLetter | null;
  readonly isFirst: boolean;
}

/**
 * Takes letters in as long as their hour has room. Hours are those in which the log got the records; what
 * a restart forgets of them lets a source have some more.
 */
export class Letters {
  /** By source: the hour, and how many came in it. Sources are those of the configuration. */
  readonly #counts = new Map<string, { hour: number; count: number }>();

  post(letter: DeadLetter): Posted {
    const hour = Math.floor(letter.receivedMs / HOUR_MS);
    let own = this.#counts.get(letter.source);
    if (own === undefined || own.hour < hour) {
      own = { hour, count: 0 };
      this.#counts.set(letter.source, own);
    }
    own.count += 1;
    const isFirst = own.count === LETTERS_WHOLE_MAX + 1 || own.count === LETTERS_MAX + 1;
    if (own.count > LETTERS_MAX) return { letter: null, isFirst };
    if (own.count <= LETTERS_WHOLE_MAX) return { letter, isFirst };
    return { letter: { ...letter, raw: Buffer.from(letter.raw.subarray(0, CUT_BYTES)) }, isFirst };
  }
}
