/** Units of a recorded folder for other methods, and p-values of the dimensions in them. */
import { systemClock } from '../adapters/clock.ts';
import { readLines, topicFile } from '../adapters/jsonl-lines.ts';
import type { Dimension, Scorer } from '../baseline/dimension.ts';
import { DIMENSIONS } from '../baseline/dimensions.ts';
import { IN_FORCE } from '../baseline/learn.ts';
import { byRole, type Step } from '../evaluation/recordings/contest.ts';
import { unitsOf } from '../evaluation/recordings/session-units.ts';
import type { Event } from '../model/event.ts';
import type { UnitRecord } from '../model/unit.ts';
import { createDecode } from '../source/source.ts';
import { conformalP } from '../stats/conformal.ts';
import type { Library } from './library.ts';
import { sourcesIn } from './sniff.ts';

/** Parts the learning sessions are cut into: each is scored by what the others taught. */
const FOLDS = 4;

/** Every session of a folder, as its records say it. SOURCE_UNREADABLE where there are none. */
export async function unitsIn(dir: string, library: Library): Promise<UnitRecord[]> {
  const sources = await sourcesIn(dir, library, null);
  const { decode } = createDecode(sources, library.mappings);
  const events: Event[] = [];
  const timestampMs = systemClock.nowMs();
  for (const { topic } of sources) {
    const file = await topicFile(dir, topic);
    if (file === null) continue;
    let offset = 0;
    for await (const value of readLines(file)) {
      events.push(...decode({ topic, partition: 0, offset, timestampMs, key: null, value }).events);
      offset += 1;
    }
  }
  return unitsOf(events);
}

/**
 * p-values of each judged session, dimension by dimension, role by role: counts from all learning
 * sessions, ranks from scores each of which its own session had no part in.
 */
export function stepsOf(
  learn: readonly UnitRecord[],
  score: readonly UnitRecord[],
): Map<string, readonly Step[]> {
  const steps = new Map<string, readonly Step[]>();
  const learnt = byRole(learn);
  const dimensions = DIMENSIONS.filter(({ name }) => IN_FORCE.includes(name));
  for (const [role, units] of byRole(score)) {
    const judges = dimensions.map((dimension) => judgeOf(dimension, learnt.get(role) ?? learn));
    for (const unit of units) steps.set(unit.head.session, stepsOfUnit(unit, judges));
  }
  return steps;
}

interface Judge {
  readonly dimension: Dimension;
  readonly scorer: Scorer;
  /** Held-out scores, ascending. */
  readonly held: Float64Array;
}

function judgeOf(dimension: Dimension, learnt: readonly UnitRecord[]): Judge {
  const held: number[] = [];
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const rest = learnt.filter((_, at) => at % FOLDS !== fold);
    const scorer = dimension.compile([dimension.learn(rest)]);
    for (const unit of learnt.filter((_, at) => at % FOLDS === fold)) {
      const score = scoreOf(dimension, scorer, unit);
      if (score !== null) held.push(score);
    }
  }
  const scorer = dimension.compile([dimension.learn(learnt)]);
  return { dimension, scorer, held: Float64Array.from(held).sort() };
}

function scoreOf({ timing }: Dimension, scorer: Scorer, unit: UnitRecord): number | null {
  let state = scorer.begin(unit.head);
  let most: number | null = null;
  for (const item of unit.items) {
    const seen = scorer.see(state, item);
    state = seen.state;
    if (seen.score !== null) most = Math.max(most ?? seen.score, seen.score);
  }
  return timing === 'closing' ? scorer.close(state) : most;
}

function stepsOfUnit(unit: UnitRecord, judges: readonly Judge[]): Step[] {
  const states = judges.map(({ scorer }) => scorer.begin(unit.head));
  const most = judges.map((): number | null => null);
  const steps: Step[] = [];
  const say = (seq: number | null) => {
    const p = judges.flatMap(({ held }, at) => {
      const score = most[at] ?? null;
      return score === null || held.length === 0 ? [] : [conformalP(held, score)];
    });
    steps.push({ seq, p });
  };
  for (const item of unit.items) {
    let isHigher = false;
    judges.forEach(({ scorer }, at) => {
      const seen = scorer.see(states[at] ?? null, item);
      states[at] = seen.state;
      const before = most[at] ?? null;
      if (seen.score === null || (before !== null && seen.score <= before)) return;
      most[at] = seen.score;
      isHigher = true;
    });
    if (isHigher) say('seq' in item ? item.seq : null);
  }
  judges.forEach(({ dimension, scorer }, at) => {
    if (dimension.timing === 'closing') most[at] = scorer.close(states[at] ?? null);
  });
  say(null);
  return steps;
}
