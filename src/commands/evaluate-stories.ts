/** Evaluation on simulated fleets: budget, misdeeds by kind, changes, poison and slow drift. */

import type { Goal } from '../evaluation/recordings/goals.ts';
import type { Outcome } from '../evaluation/recordings/quality.ts';
import {
  type ChangeFound,
  type DriftCase,
  foundByKind,
  isWithin,
  noticed,
  type Realised,
  realisedAfter,
  realisedByRole,
  type StorySession,
} from '../evaluation/recordings/stories.ts';
import { markdown } from '../evaluation/recordings/table.ts';
import type { Detection } from '../model/detection.ts';
import { inTemporaryFolder, type Period, writeFleet } from './evaluate-fleet.ts';
import { driftStory, poisonStory } from './evaluate-learning.ts';
import { learnFrom } from './evaluate-replay.ts';
import type { Bench, Section } from './evaluate-section.ts';

/** Declared: this share of sessions may be alerted in error. */
const DECLARED = 0.01;
/** Sessions of the agent within which an undeclared swap is to be noticed. */
const NOTICED_MAX = 15;
const DECLARED_KINDS: ReadonlySet<string> = new Set(['model', 'prompt', 'grant', 'rollout']);

const FLEET = {
  agents: 40,
  options: [
    ...['--learn-days', '14', '--days', '7'],
    ...[
      '--changes',
      'model=4,prompt=2,grant=2,model-swap=4,prompt-swap=2,insider-grant=2,slow-drift=2',
    ],
  ],
};

/** Runs every story. */
export async function evaluateStories(bench: Bench): Promise<Section> {
  const fleet = await inTemporaryFolder((dir) => fleetStory(dir, bench));
  const poison = await inTemporaryFolder((dir) => poisonStory(dir, bench));
  const drift = await inTemporaryFolder((dir) => driftStory(dir, bench));
  const parts = [fleet, poison, drift];
  return {
    goals: parts.flatMap(({ goals }) => goals),
    texts: Object.assign({}, ...parts.map(({ texts }) => texts)) as Record<string, string>,
    figures: Object.assign({}, ...parts.map(({ figures }) => figures)) as unknown,
  };
}

async function fleetStory(dir: string, bench: Bench): Promise<Section> {
  bench.output.progress(`stories: a fleet of ${FLEET.agents} agents is written`);
  const { learn, score } = await writeFleet(dir, { ...FLEET, seed: bench.seed });
  const learnt = await learnFrom(learn.dir, 'L3', bench);
  const sessions = sessionsOf(score, await learnt.replay(score.dir));
  const cases = driftCases(await learnt.watch(score.dir), bench);
  const changes = noticed(score.changes, sessions, cases);
  const byRole = realisedByRole(sessions);
  const upgrades = score.changes.filter(({ kind }) => kind === 'model');
  const upgraded = realisedAfter('after a declared model upgrade', sessions, upgrades);
  const all = byRole.at(-1) ?? { name: '', sessions: 0, alerted: 0 };
  const kinds = foundByKind(sessions);
  return {
    goals: [
      budgetGoal('sound sessions alerted', all),
      budgetGoal('declared model upgrade stays within budget', upgraded),
      swapGoal(changes),
    ],
    texts: {
      fleet: `${FLEET.agents} agents, ${learn.labels.length} sessions to learn from, ${score.labels.length} to judge`,
      roles: realisedTable([...byRole, upgraded]),
      kinds: markdown(
        ['misdeed', 'sessions', 'alerted', 'by its first wrong record', 'before it was done'],
        kinds.map(({ kind, sessions: n, alerted, byOnset, beforeDone }) => [
          ...[kind, String(n)],
          ...[alerted, byOnset, beforeDone].map((count) => shareText(count, n)),
        ]),
        1,
      ),
      changes: changeTable(changes),
    },
    figures: { byRole, upgraded, kinds, changes },
  };
}

function sessionsOf(period: Period, outcomes: readonly Outcome[]): StorySession[] {
  const bySession = new Map(outcomes.map((outcome) => [outcome.session, outcome]));
  const done = new Map(period.truths.map(({ sessionId, seq }) => [sessionId, seq]));
  return period.labels.map((label) => ({
    label,
    role: period.roles.get(label.session) ?? '',
    startMs: period.startMs.get(label.session) ?? 0,
    doneSeq: done.get(label.session) ?? null,
    outcome: bySession.get(label.session) ?? null,
  }));
}

/** Findings of evidence that was gathered over many units of an agent. */
function driftCases(detections: readonly Detection[], { library }: Bench): DriftCase[] {
  const gathering = new Set(
    library.detectors
      .filter(({ params }) => laneOf(params) === 'accumulator')
      .map(({ stem }) => stem),
  );
  return detections
    .filter(({ detector }) => gathering.has(detector))
    .map(({ entity, timeMs }) => ({ agent: entity.agent, ms: timeMs }));
}

function laneOf(params: unknown): unknown {
  if (typeof params !== 'object' || params === null) return undefined;
  return (params as Readonly<Record<string, unknown>>)['lane'];
}

/** Within the declared share, or beyond it by no more than chance explains. */
function budgetGoal(what: string, realised: Realised): Goal {
  return {
    ...{ what, where: 'simulated fleet' },
    wanted: '1 % of sessions, chance allowed for (p ≥ .05)',
    measured: shareText(realised.alerted, realised.sessions),
    isMet: realised.sessions > 0 && isWithin(realised, DECLARED),
  };
}

function swapGoal(changes: readonly ChangeFound[]): Goal {
  const swaps = changes.filter(({ kind }) => kind === 'model-swap');
  const inTime = swaps.filter(({ after }) => after !== null && after <= NOTICED_MAX);
  return {
    what: 'undeclared model swap raises a drift case',
    where: `simulated fleet, ${swaps.length} swaps`,
    wanted: `within ${NOTICED_MAX} sessions of the agent`,
    measured: `${inTime.length} of ${swaps.length} (${swaps.map(({ after }) => after ?? 'never').join(', ')})`,
    isMet: swaps.length > 0 && inTime.length === swaps.length,
  };
}

function realisedTable(rows: readonly Realised[]): string {
  return markdown(
    ['role', 'sound sessions', 'alerted', 'declared'],
    rows.map((row) => [
      row.name,
      String(row.sessions),
      shareText(row.alerted, row.sessions),
      isWithin(row, DECLARED) ? '1 %' : '1 %, **exceeded**',
    ]),
    1,
  );
}

function changeTable(changes: readonly ChangeFound[]): string {
  return markdown(
    ['change', 'declared', 'agent', 'sessions after it', 'until a drift case'],
    changes.map(({ kind, agent, sessions, after }) => [
      ...[kind, DECLARED_KINDS.has(kind) ? 'yes' : 'no', agent, String(sessions)],
      after === null ? 'none' : String(after),
    ]),
    3,
  );
}

/** `3 of 250 (1.2 %)`. */
export function shareText(count: number, of: number): string {
  return of === 0 ? '0 of 0' : `${count} of ${of} (${((100 * count) / of).toFixed(1)} %)`;
}
