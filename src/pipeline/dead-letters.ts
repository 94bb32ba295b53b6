/** Dead letters: all are counted, and kept as far as there is room. */
import type { DeadLetter } from '../model/detection.ts';
import { Letters } from '../source/letters.ts';
import type { Draft } from './draft.ts';
import type { Notices } from './notices.ts';

/** Writes dead letters into the draft. */
export class DeadLetters {
  readonly #letters = new Letters();
  readonly #draft: Draft;
  readonly #notices: Notices;

  constructor(draft: Draft, notices: Notices) {
    this.#draft = draft;
    this.#notices = notices;
  }

  post(came: DeadLetter): void {
    this.#draft.count('dead-letters');
    const { letter, isFirst } = this.#letters.post(came);
    if (letter !== null) this.#draft.effects.deadLetters.push(letter);
    else this.#draft.count('dead-letters-not-kept');
    if (!isFirst) return;
    const detail = `more dead letters of ${came.source} in an hour than are kept as they are`;
    this.#notices.say('state.evicted', 'dead-letters', detail, came.receivedMs);
  }
}
