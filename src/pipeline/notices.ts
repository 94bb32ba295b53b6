/** Notices: what the observer says of itself, to people and to detectors. */
import type { NoticeCode } from '../model/detection.ts';
import type { NoticeFact } from '../model/fact.ts';
import type { Draft } from './draft.ts';

/** Writes notices into the draft, and states them as facts. */
export class Notices {
  readonly #draft: Draft;
  readonly #hear: (fact: NoticeFact) => void;
  #isTelling = false;

  constructor(draft: Draft, hear: (fact: NoticeFact) => void) {
    this.#draft = draft;
    this.#hear = hear;
  }

  /** `tenant`: whose records led to it; absent where they bear none, or there are none. */
  say(code: NoticeCode, subject: string, detail: string, timeMs: number, tenant?: string): void {
    this.#draft.effects.notices.push({ code, subject, detail, timeMs });
    this.#draft.markDirty();
    this.tell(code, subject, timeMs, tenant);
  }

  /** Detectors hear of notices too, but not of those that hearing of one leads to. */
  tell(code: NoticeFact['code'], subject: string, timeMs: number, tenant = '-'): void {
    if (this.#isTelling) return;
    this.#isTelling = true;
    this.#hear({ type: 'notice', code, subject, tenant, timeMs });
    this.#isTelling = false;
  }
}
