/** Stages: all of a lane, made over the same slots, and what each is told of the others. */
import { type Behaviour, createBehaviour } from '../baseline/behaviour.ts';
import { type ChainWatch, createChains } from '../correlate/chains.ts';
import { type Correlate, createCorrelate } from '../correlate/correlate.ts';
import { createLevels, type Levels } from '../correlate/levels.ts';
import { createDecide, type Decide } from '../decide/decide.ts';
import { createRoster, type Roster } from '../detect/roster.ts';
import type { NoticeCode } from '../model/detection.ts';
import type { Kind } from '../model/event.ts';
import type { Fact } from '../model/fact.ts';
import { type Casework, createCasework } from '../score/casework.ts';
import { createObjectiveStage, type ObjectiveStage } from '../score/objectives/objectives.ts';
import { createEvidenceStage, type EvidenceStage } from '../score/stage.ts';
import type { Slots } from '../state/slots.ts';
import type { Draft } from './draft.ts';
import type { Notices } from './notices.ts';
import type { PipelineOptions } from './options.ts';

/** The stages behind the reorder buffer. In which order they are asked, the spine says. */
export interface Stages {
  readonly correlate: Correlate;
  readonly behaviour: Behaviour;
  readonly evidence: EvidenceStage;
  readonly objectives: ObjectiveStage;
  readonly levels: Levels;
  readonly chains: ChainWatch;
  readonly detect: Roster;
  readonly casework: Casework;
  readonly decide: Decide;
}

/** Whom stages tell. */
export interface StageHearers {
  /** What correlation states, in the order it becomes decidable. */
  readonly hear: (fact: Fact) => void;
  readonly notices: Notices;
  readonly draft: Draft;
}

/** Makes them with empty state. None is asked, and tells anything, before all are made. */
export function createStages(
  slots: Slots,
  options: PipelineOptions,
  { hear, notices, draft }: StageHearers,
): Stages {
  const notice = (code: NoticeCode, subject: string, detail: string, ms: number, tenant?: string) =>
    notices.say(code, subject, detail, ms, tenant);
  const evicted = (subject: string, detail: string, ms: number) =>
    notice('state.evicted', subject, detail, ms);
  const { profiles, judgings, plans } = options.baseline;
  const { inventory } = options.correlate;
  // The order in which stages are made is that in which pages hold what is theirs.
  const correlate = createCorrelate(
    slots,
    options.correlate,
    hear,
    notice,
    // Only the decider knows which refusals are our own doing.
    (tenant, agent, call) => decide.restrains(tenant, agent, call),
  );
  const blind = (kind: Kind, tenant: string) => correlate.blind(kind, tenant);
  const behaviour = createBehaviour(slots, profiles, {
    ...{ inventory, blind, evicted },
    opened: (window) => draft.effects.windows.push(window),
  });
  const evidence = createEvidenceStage(slots, judgings, plans, evicted);
  const objectives = createObjectiveStage(slots, options.levels, evicted);
  const levels = createLevels(slots, notice);
  const chains = createChains(slots, notice);
  const { maturity, meter } = options;
  const detect = createRoster(options.detectors, {
    ...{ blind, slots, inventory, maturity, evicted, notice },
    ...(meter === undefined ? {} : { meter }),
  });
  const casework = createCasework(slots, evicted);
  const decide = createDecide(slots, options.decide);
  return {
    correlate,
    behaviour,
    evidence,
    objectives,
    levels,
    chains,
    detect,
    casework,
    decide,
  };
}

/** Rebuilds, step by step, what stages derive from restored slots. `watermarkMs`: W when they were stored. */
export function* restoringStages(
  { correlate, behaviour, casework, detect, decide }: Stages,
  watermarkMs: number | null,
): Generator<undefined, void> {
  yield* correlate.restoring();
  yield* behaviour.restoring();
  yield* casework.cases.restoring();
  yield* detect.restoring(watermarkMs);
  yield* decide.early.restoring();
}

/** What stages counted, added to `others`. */
export function countersOf(
  { correlate, behaviour, casework, detect }: Stages,
  others: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  const all = { ...others };
  for (const { counters } of [correlate, behaviour, casework, detect])
    for (const [name, value] of Object.entries(counters)) all[name] = (all[name] ?? 0) + value;
  return all;
}
