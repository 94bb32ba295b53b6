/** Draft: what the next commit is to write of findings and counts. */
import type { Case } from '../model/decision.ts';
import { type Effects, noEffects } from '../model/effects.ts';

/**
 * Gathers what stages find, decide and intend until a commit takes it. Counters are those of the lane:
 * they go on from commit to commit.
 */
export class Draft {
  #effects = noEffects();
  /** Where in the effects a case stands. */
  readonly #caseAt = new Map<string, number>();
  readonly #counters: Record<string, number> = {};
  #isDirty = false;

  /** Another object after each commit: not to be held on to. */
  get effects(): Effects {
    return this.#effects;
  }

  get counters(): Readonly<Record<string, number>> {
    return this.#counters;
  }

  /** Is there anything to write? Stages change state that is no effect: whoever calls them says so. */
  get isDirty(): boolean {
    return this.#isDirty;
  }

  markDirty(): void {
    this.#isDirty = true;
  }

  count(name: string, by = 1): void {
    this.#counters[name] = (this.#counters[name] ?? 0) + by;
  }

  /** A case that grows many times in a step is written once, as it stands last. */
  cases(cases: readonly Case[]): void {
    for (const one of cases) {
      const at = this.#caseAt.get(one.id);
      if (at !== undefined) this.#effects.cases[at] = one;
      else this.#caseAt.set(one.id, this.#effects.cases.push(one) - 1);
    }
  }

  /** Goes on counting from what was stored. */
  restore(counters: Readonly<Record<string, number>>): void {
    Object.assign(this.#counters, counters);
  }

  /** What was gathered, for a commit; a new draft begins empty. */
  take(): Effects {
    const effects = this.#effects;
    this.#effects = noEffects();
    this.#caseAt.clear();
    this.#isDirty = false;
    return effects;
  }
}
