/** Commits: one is written while the core goes on, and the next one waits for it. */
import type { LaneCommit } from '../model/effects.ts';
import { OperatingError } from '../model/errors.ts';
import type { Pipeline } from '../pipeline.ts';

/** What came of writing. */
export type Written = 'done' | 'fenced';

/** What commits need of the loop. */
export interface CommitParts {
  /** Writes it in one transaction; may try again with the same content. */
  readonly write: (commit: LaneCommit) => Promise<Written>;
  /** Is this the core that the lane is held with? */
  readonly isHeld: (pipeline: Pipeline) => boolean;
  /** It is written. */
  readonly stored: (commit: LaneCommit) => void;
  /**
   * It was not, for this reason, and never will be: the core holds nothing of it any more, and must be
   * thrown away. `isAwaited`: whoever began it hears of that as well.
   */
  readonly lost: (pipeline: Pipeline, cause: unknown, isAwaited: boolean) => void;
}

/**
 * Writes what changed in a core. While a commit is on its way the core takes in more, which comes into the
 * next one; that one waits, so that at most one is on its way and the record grows in order. What a commit
 * took out of the core is nowhere else: once one failed, none follows from the same core.
 */
export class Commits {
  readonly #parts: CommitParts;
  #underWay: Promise<Written> | null = null;
  /** Of slices that are told when they are stored, the newest that no commit has taken up. */
  #told: (() => void) | undefined;

  constructor(parts: CommitParts) {
    this.#parts = parts;
  }

  /** What is in the core now is to be told of when it is stored, and with it all that was named before. */
  tell(stored: (() => void) | undefined): void {
    this.#told = stored ?? this.#told;
  }

  /**
   * Waits for the commit under way, then takes what changed and writes it; resolves to what came of that.
   * Nothing is taken from a core that was thrown away meanwhile: 'fenced'.
   */
  async write(pipeline: Pipeline): Promise<Written> {
    await this.landed();
    return this.#parts.isHeld(pipeline) ? await this.#begin(pipeline, true) : 'fenced';
  }

  /** The same, but resolves once writing has begun. That it failed only `lost` is told. */
  async writeAside(pipeline: Pipeline): Promise<void> {
    await this.landed();
    if (this.#parts.isHeld(pipeline)) this.#begin(pipeline, false).catch(() => undefined);
  }

  /** Resolves when nothing is being written. What was in the core before is nobody's to be told of. */
  async over(): Promise<void> {
    await this.landed();
    this.#told = undefined;
  }

  /** Resolves when nothing is being written, however that ended. */
  async landed(): Promise<void> {
    await this.#underWay?.catch(() => undefined);
  }

  #begin(pipeline: Pipeline, isAwaited: boolean): Promise<Written> {
    const begun = this.#write(pipeline, isAwaited);
    this.#underWay = begun;
    return begun;
  }

  async #write(pipeline: Pipeline, isAwaited: boolean): Promise<Written> {
    const { write, stored, lost } = this.#parts;
    const told = this.#told;
    this.#told = undefined;
    try {
      const commit = pipeline.commit();
      const outcome = await write(commit);
      if (outcome === 'fenced') {
        lost(pipeline, taken(), isAwaited);
        return outcome;
      }
      pipeline.committed();
      told?.();
      stored(commit);
      return outcome;
    } catch (cause) {
      lost(pipeline, cause, isAwaited);
      throw cause;
    }
  }
}

/** Why nothing more can be written where somebody else owns the lane. */
function taken(): OperatingError {
  return new OperatingError('LANE_FENCED', 'another observer owns this lane now', {
    retryable: true,
  });
}
