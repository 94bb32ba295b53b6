/** Options: everything a lane's core is made from, and what of it can be exchanged. */
import type { Profiles } from '../baseline/in-force.ts';
import type { CorrelateOptions } from '../correlate/correlate.ts';
import type { SourceTiming } from '../correlate/watermark.ts';
import type { DecideOptions } from '../decide/decide.ts';
import type { Meter } from '../detect/meter.ts';
import type { Maturity } from '../model/detection.ts';
import type { Detector } from '../model/detector.ts';
import type { Kind } from '../model/event.ts';
import type { Exception } from '../model/exception.ts';
import type { EventFact, Fact } from '../model/fact.ts';
import type { ServiceLevels } from '../model/objective.ts';
import type { UnitReading } from '../model/reading.ts';
import type { RungPlan } from '../score/budget.ts';
import type { Judging } from '../score/stage.ts';
import type { Decode } from '../source/source.ts';
import type { Packer } from '../state/blocks.ts';

/** Everything the pipeline is made from. */
export interface PipelineOptions {
  readonly decode: Decode;
  readonly timings: readonly SourceTiming[];
  /** Topics that carry governance: it proves absence only if heard from its beginning. */
  readonly governanceTopics: ReadonlySet<string>;
  /** What each topic may carry: what is missing of it is missing of these books. Absent: nothing is known. */
  readonly topicKinds?: ReadonlyMap<string, readonly Kind[]>;
  readonly correlate: CorrelateOptions;
  readonly detectors: readonly Detector[];
  readonly maturity: Readonly<Record<string, Maturity>>;
  readonly exceptions: readonly Exception[];
  readonly decide: DecideOptions;
  readonly baseline: BaselineOptions;
  /** What roles and workflows promise. */
  readonly levels: ServiceLevels;
  /** Events that may wait for the watermark before sources that run ahead are to pause. */
  readonly maxBuffered: number;
  /** Bytes of records whose events may wait, likewise. At twice either the oldest are released early. */
  readonly maxBufferedBytes: number;
  /** Event time behind the watermark beyond which a record is no longer evaluated, ms. */
  readonly tooLateMs: number;
  /** An event that is older when it arrives has nothing early done about it, ms. Default: the largest lateness. */
  readonly freshMs?: number;
  /** Is this tenant folded here? Absent: everybody is. For what operators ask of all lanes. */
  readonly owns?: (tenant: string) => boolean;
  /** Events released in one step, about; the rest waits for the next one. Default 500. */
  readonly releaseMax?: number;
  /** Changed entities that one commit writes, about; then it waits for nothing more. Default 4000. */
  readonly commitRows?: number;
  /**
   * Bytes of deltas in which every page is rewritten once; a larger state sets the pace itself.
   * Default 256 MiB: recovery then reads a second or two more at most, and a small state is not
   * rewritten as fast as it changes.
   */
  readonly pageEveryBytes?: number;
  /** How state that nobody asks for is packed. Absent: it is not. */
  readonly packer?: Packer;
  /** Told of every fact before detectors see it; for backtests, which measure them apart. */
  readonly onFact?: (fact: Fact) => void;
  /** Times detectors on a sample of facts. */
  readonly meter?: Meter;
}

/** What behaviour is judged by. */
export interface BaselineOptions {
  readonly profiles: Profiles;
  /** What evidence needs to know of each profile. */
  readonly judgings: readonly Judging[];
  readonly plans: readonly RungPlan[];
  /** Told of every reading, and of every folded event; for replay, which learns and ranks by them. */
  readonly onReading?: (reading: UnitReading) => void;
  readonly onEvent?: (fact: EventFact) => void;
}

/** What can be exchanged while a lane works. */
export type Reloaded = Pick<PipelineOptions, 'detectors' | 'exceptions'>;

/** How old an event may be when it comes for something early to be done about it, ms. */
export function freshMsOf({
  freshMs,
  timings,
}: Pick<PipelineOptions, 'timings'> & { readonly freshMs?: number | undefined }): number {
  return freshMs ?? Math.max(0, ...timings.map((one) => one.latenessMs));
}
