/** In force: which detectors and exceptions have the say, and how both are exchanged. */
import type { Watermarks } from '../correlate/watermark.ts';
import { createExceptions, type Exceptions } from '../decide/exceptions.ts';
import { powerChanges } from '../decide/reloaded.ts';
import type { Detection } from '../model/detection.ts';
import type { Turn } from '../model/effects.ts';
import type { Exception } from '../model/exception.ts';
import type { Draft } from './draft.ts';
import type { Notices } from './notices.ts';
import type { PipelineOptions, Reloaded } from './options.ts';
import type { Stages } from './stages.ts';

/** Who has the say beside it, and where it writes what changed. */
export interface InForceParts {
  readonly stages: Pick<Stages, 'detect' | 'decide'>;
  readonly watermarks: Pick<Watermarks, 'effectiveMs'>;
  readonly draft: Draft;
  readonly notices: Notices;
}

/** Holds the exceptions; detectors are held by the roster. Exchanges are dated by the watermark. */
export class InForce {
  readonly #parts: InForceParts;
  readonly #neverTouch: ReadonlySet<string>;
  #exceptions: Exceptions;
  /** What `#exceptions` was made of. */
  #excused: readonly Exception[];

  constructor(options: Pick<PipelineOptions, 'exceptions' | 'decide'>, parts: InForceParts) {
    this.#parts = parts;
    this.#neverTouch = options.decide.guardrails.neverTouch;
    this.#exceptions = createExceptions(options.exceptions, this.#neverTouch);
    this.#excused = options.exceptions;
  }

  /** The detection as it counts now: excused, or of a detector that was demoted. */
  asItCounts(fired: Detection): Detection {
    const exception = this.#exceptions.excusing(fired);
    if (exception !== null) return { ...fired, exception: exception.id };
    const { detector, version, maturity } = fired;
    const { demotions } = this.#parts.stages.decide;
    const isDemoted = maturity === 'enforce' && demotions.stands(detector, version);
    return isDemoted ? { ...fired, maturity: 'alert' } : fired;
  }

  /** Exchanges both, and says what turns and what changes in power. `by`: who, or what, asked for it. */
  reload({ detectors, exceptions }: Reloaded, by: string): readonly Turn[] {
    const { stages, draft, notices } = this.#parts;
    const { detect } = stages;
    const timeMs = this.#nowMs();
    const before = { detectors: detect.detectors, exceptions: this.#excused };
    const turns = detect.reload(detectors, timeMs);
    this.#exceptions = createExceptions(exceptions, this.#neverTouch);
    this.#excused = exceptions;
    const changes = powerChanges(before, { detectors: detect.detectors, exceptions });
    if (turns.length > 0 || changes.length > 0)
      draft.effects.reloads.push({ by, timeMs, detectors: detectors.length, turns, changes });
    for (const { subject, says } of changes)
      notices.say('detectors.reloaded', subject, `${says} by ${by}`, timeMs);
    for (const { stem, from, to, untilMs } of turns) {
      const when = untilMs > timeMs ? `in ${(untilMs - timeMs) / 1000} s of event time` : 'at once';
      const said = `${from ?? 'nothing'} gives way to ${to ?? 'nothing'} by ${by}, ${when}`;
      notices.say('detectors.reloaded', stem, said, timeMs);
    }
    draft.markDirty();
    return turns;
  }

  /** Files had mistakes: what is in force stays. */
  refuse(detail: string): void {
    this.#parts.notices.say('detectors.refused', 'detectors', detail, this.#nowMs());
  }

  #nowMs(): number {
    return Math.max(0, this.#parts.watermarks.effectiveMs);
  }
}
