/** Learn and replay for the evaluation: what `replay` does, without a file in between. */
import { createLog } from '../adapters/log.ts';
import { createCollector } from '../baseline/collect.ts';
import { foreignValues } from '../baseline/conduct/foreign-values.ts';
import { CONDUCT } from '../baseline/conduct.ts';
import { type Firing, firingTraces, type GateUnit, unitTraces } from '../baseline/gate.ts';
import { type LearnOptions, learnProfile, learnProfiles } from '../baseline/learn.ts';
import type { Profile } from '../baseline/profile.ts';
import { byRole } from '../evaluation/recordings/contest.ts';
import type { Outcome } from '../evaluation/recordings/quality.ts';
import type { Detection } from '../model/detection.ts';
import type { EvidenceLevel } from '../model/event.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { BaselineOptions } from '../pipeline/options.ts';
import { conformalP } from '../stats/conformal.ts';
import { forceOf } from './baseline-force.ts';
import type { Bench } from './evaluate-section.ts';
import { type ScoreLine, scoreLines } from './findings.ts';
import type { Library } from './library.ts';
import { type RehearsalInput, rehearse } from './rehearse.ts';
import { judgedBy, unitsOf } from './replay-learn.ts';

/** How a role is learnt where the fleet's baseline is left out. */
const ROLES: LearnOptions = { rehearsal: CONDUCT, seed: 1 };

/** What the gate to a next baseline is given. */
export interface AtTheGate {
  readonly units: readonly GateUnit[];
  /** Strange sessions that were alerted: from each on, what bears its traces is quarantined. */
  readonly firings: readonly Firing[];
}

/** Baselines learnt from one folder, ready to judge others. */
export interface Learnt {
  readonly profiles: readonly Profile[];
  /** Sessions as `replay --score` says them, at its declared budget of 1 % of sessions. */
  replay(dir: string): Promise<readonly Outcome[]>;
  /** Sessions as the gate to a next baseline sees them, judged by these baselines. */
  gateUnits(dir: string): Promise<AtTheGate>;
  /** What a daemon would find with the default budgets, all rungs and lanes. */
  watch(dir: string): Promise<readonly Detection[]>;
}

/**
 * Learns from a folder as `replay --learn` does; the level holds for learning and scoring. `only`
 * roles: the fleet's own baseline, which answers for roles without one, is left out to save time.
 */
export async function learnFrom(
  dir: string,
  evidence: EvidenceLevel,
  { library, output }: Bench,
  only: 'roles' | 'everything' = 'everything',
): Promise<Learnt> {
  const log = createLog('error', 'evaluate');
  const input = (folder: string, what: string): RehearsalInput => ({
    ...{ dir: folder, library, config: null, evidence, log },
    progress: (records) =>
      output.progress(`${what} at ${evidence}: ${records.toLocaleString('en')} records`),
  });
  output.progress(`learn ${dir} at ${evidence}`);
  const learnInput = input(dir, `learn ${dir}`);
  const learnt = await unitsOf(learnInput);
  const profiles =
    only === 'everything'
      ? learnProfiles(learnt, { ...ROLES, progress: output.progress })
      : [...byRole(learnt)].map(([subject, units]) =>
          learnProfile(units, { level: 'role', subject }, { ...ROLES, progress: output.progress }),
        );
  return {
    profiles,
    async replay(scored) {
      output.progress(`score ${scored} at ${evidence}`);
      const { baseline, margins } = judgedBy(profiles);
      const result = await rehearse({ ...input(scored, `score ${scored}`), baseline });
      return scoreLines({ ...result, margins, threshold: null }).map(outcomeOf);
    },
    async watch(scored) {
      output.progress(`watch ${scored} at ${evidence}`);
      const baseline = forceOf(profiles);
      return (await rehearse({ ...input(scored, `watch ${scored}`), baseline })).detections;
    },
    async gateUnits(scored) {
      const { units, baseline } = gateReader(profiles);
      const collector = createCollector({ inventory: library.inventory });
      const result = await rehearse({
        ...input(scored, `gate ${scored}`),
        baseline: { ...baseline, onEvent: collector.see },
      });
      const lived = collector.finish();
      const foreign = foreignValues([...learnt, ...lived]);
      const tools = toolsBySession(lived);
      const valuesOf = (session: string | null) => foreign.get(session ?? '') ?? [];
      const hard = new Set(
        result.detections
          .filter(
            ({ evidenceClass, maturity }) => evidenceClass === 'hard' && maturity !== 'shadow',
          )
          .flatMap(({ entity: { session } }) => (session === null ? [] : [session])),
      );
      const alerting = stemsOf(library, 'session');
      return {
        units: units.map((unit) => ({
          ...unit,
          hardEvidence: hard.has(unit.session),
          foreignBits: valuesOf(unit.session)[0]?.bits ?? null,
          traces: unitTraces(valuesOf(unit.session), tools.get(unit.session) ?? []),
        })),
        firings: result.detections
          .filter(({ detector }) => alerting.has(detector))
          .map(({ entity: { agent, session }, timeMs, tool }) => ({
            ...{ agent, changePointMs: timeMs, traces: firingTraces(valuesOf(session), tool) },
          })),
      };
    },
  };
}

/** Tools that each session called. */
function toolsBySession(units: readonly UnitRecord[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { head, items } of units) {
    const tools = found.get(head.session) ?? new Set<string>();
    found.set(head.session, tools);
    for (const item of items) if (item.type === 'call' && !item.ours) tools.add(item.tool);
  }
  return found;
}

/** Takes the last word on each unit as the gate wants it: p of its joint score. */
function gateReader(profiles: readonly Profile[]): {
  readonly units: readonly GateUnit[];
  readonly baseline: BaselineOptions;
} {
  const byName = new Map(profiles.map((one) => [`${one.level} ${one.subject}`, one]));
  const units: GateUnit[] = [];
  const baseline: BaselineOptions = {
    ...forceOf(profiles),
    onReading(reading) {
      if (!reading.isClosed) return;
      const { joint, ms } = reading.readings;
      const scores = byName.get(reading.baseline)?.calibration[joint?.dimension ?? ''];
      const ranks = scores?.[joint?.cell ?? ''] ?? [];
      const score = joint?.score ?? null;
      units.push({
        ...{ session: reading.session.id, agent: reading.session.agent, fromMs: ms, toMs: ms },
        p: score === null || ranks.length === 0 ? null : conformalP(ranks, score),
        ...{ roleP: null, peerP: null, alertR: null, alertA: null, hardEvidence: false },
        ...{ foreignBits: null, traces: [] },
        calibration: ranks.length,
      });
    },
  };
  return { units, baseline };
}

/** Detectors of evidence in one lane: within a session, or gathered over many of an agent. */
export function stemsOf(
  { detectors }: Library,
  lane: 'session' | 'accumulator',
): ReadonlySet<string> {
  const laneOf = (params: unknown): unknown =>
    typeof params === 'object' && params !== null
      ? (params as Readonly<Record<string, unknown>>)['lane']
      : undefined;
  return new Set(detectors.filter(({ params }) => laneOf(params) === lane).map(({ stem }) => stem));
}

/** A line of a scores file as an outcome. */
export function outcomeOf(line: ScoreLine): Outcome {
  return {
    session: line.session_id,
    score: line.score,
    alerted: line.alerted,
    alertSeq: line.first_alert_seq,
    interventionSeq: line.first_intervention_seq,
  };
}
