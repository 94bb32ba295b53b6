/** Learning from a folder of records: sessions, a profile, and what was measured. */
import { createLog } from '../adapters/log.ts';
import { unseenOrigins } from '../baseline/conduct/unseen-origins.ts';
import { CONDUCT } from '../baseline/conduct.ts';
import { exitCriteria, type Measured, NOTHING, type Waiver } from '../baseline/criteria.ts';
import { DIMENSIONS } from '../baseline/dimensions.ts';
import { learnProfile } from '../baseline/learn.ts';
import { influenceOf, measureUnits } from '../baseline/measure.ts';
import type { Profile } from '../baseline/profile.ts';
import type { ProposalEvidence, Registry } from '../baseline/proposal.ts';
import type { InForce } from '../baseline/succession.ts';
import { isInScope, unmetText } from '../baseline/window.ts';
import type { CoverageGap } from '../model/detection.ts';
import type { Database } from '../model/ports.ts';
import type { UnitRecord } from '../model/unit.ts';
import type { Criterion, LearningWindow, WindowScope } from '../model/window.ts';
import { stream, uniform } from '../simulation/random.ts';
import { type Outcome, refused, type Signature } from './baseline-acts.ts';
import { type Learning, learnAndPropose } from './baseline-learn.ts';
import type { Library } from './library.ts';
import { collectFolder, SEED } from './replay-learn.ts';

/** A folder to learn from. */
export interface LearningFolder extends Pick<Learning, 'waivers' | 'window' | 'scope'> {
  readonly dir: string;
  readonly library: Library;
  readonly progress: (what: string) => void;
}

/**
 * Learns from the sessions of a folder that the window permits and puts the profile under review.
 * Sessions that hard evidence names stay out. Refuses as `proposeProfile` does.
 */
export async function learnFolderAndPropose(
  db: Database,
  registry: Registry,
  folder: LearningFolder,
  signature: Signature,
): Promise<Outcome> {
  const { dir, library, scope, progress } = folder;
  const { units, result } = await collectFolder({
    ...{ dir, library, config: null, evidence: 'L3', log: createLog('error', 'learn') },
    progress: (records) => progress(`${dir}: ${records.toLocaleString('en')} records`),
  });
  const hard = new Map<string, string>();
  for (const { evidenceClass, entity } of result.detections)
    if (evidenceClass === 'hard' && entity.session !== null)
      hard.set(entity.session, 'hard-evidence');
  const learn = (window: LearningWindow | null, inForce: InForce | null) => {
    const own = units.filter((unit) => isPermitted(unit, scope, window));
    const roles = new Set(own.map(({ head }) => head.role));
    const profile = learnProfile(own, scope, {
      ...{ rehearsal: CONDUCT, seed: SEED, excluded: hard, progress },
      context: units.filter(({ head }) => roles.has(head.role)),
      predecessor:
        inForce === null ? null : { profile: inForce.profile, named: window?.dimensions ?? ['*'] },
      admitted: (kept, excluded) => {
        const asked = cheapCriteria(kept, excluded.length, folder.waivers);
        const open = unmetText(asked);
        if (open !== null) throw refused(`${open} Nothing was trained yet.`);
      },
    });
    return { profile, evidence: evidenceOf(own, profile, result.coverage) };
  };
  return await learnAndPropose(db, registry, { ...folder, learn }, signature);
}

function isPermitted(
  { head, lastMs }: UnitRecord,
  scope: WindowScope,
  window: LearningWindow | null,
): boolean {
  if (!isInScope(scope, head)) return false;
  return window === null || (lastMs >= window.opensMs && lastMs < window.expiresMs);
}

/** Criteria that can be asked before minutes of training, and that training cannot change. */
const CHEAP: ReadonlySet<string> = new Set([
  ...['days', 'sessions', 'unseen-tools', 'unseen-origins', 'excluded'],
]);

/** Those criteria of the sessions that would be learnt. */
export function cheapCriteria(
  kept: readonly UnitRecord[],
  excluded: number,
  waivers: readonly Waiver[],
): Criterion[] {
  const { days, sessions, unseenTools } = measureUnits(kept, [], () => 0);
  const measured: Measured = {
    ...{ ...NOTHING, days, sessions, unseenTools, unseenOrigins: unseenOrigins(kept) },
    ...{ excludedUnits: excluded, allUnits: (sessions ?? 0) + excluded },
  };
  return exitCriteria(measured, waivers).filter(({ name }) => CHEAP.has(name));
}

/** What a window's exit criteria ask, as far as a folder can answer. */
function evidenceOf(
  units: readonly UnitRecord[],
  profile: Profile,
  coverage: readonly CoverageGap[],
): ProposalEvidence {
  const { fromMs, toMs, sessions, excluded } = profile.meta;
  const out = new Set(excluded.map(({ session }) => session));
  const kept = units.filter(({ head }) => !out.has(head.session));
  const used = DIMENSIONS.filter(({ name }) => profile.dimensions[name] !== undefined);
  const random = stream(SEED, 'halves');
  const measured = measureUnits(kept, used, () => uniform(random));
  const influence = influenceOf(kept);
  const rehearsed = profile.rehearsed as { readonly lag1: number };
  return {
    measured: {
      ...measured,
      unseenOrigins: unseenOrigins(kept),
      lag1: rehearsed.lag1,
      fitUnits: kept.length,
      crossfit: true,
      gapMs: null,
      excludedUnits: excluded.length,
      allUnits: sessions + excluded.length,
      presence: presenceOf(coverage, fromMs, toMs),
    },
    influence: { sessions: [...influence.sessions], days: [...influence.days] },
  };
}

/** Share of the window in which each source was heard. */
function presenceOf(
  coverage: readonly CoverageGap[],
  fromMs: number,
  toMs: number,
): Record<string, number> {
  const spanMs = Math.max(1, toMs - fromMs);
  const presence: Record<string, number> = { gateway: 1, governance: 1, reasoning: 1 };
  for (const gap of coverage) {
    const lostMs = Math.min(toMs, gap.toMs ?? toMs) - Math.max(fromMs, gap.fromMs);
    presence[gap.kind] = Math.max(0, (presence[gap.kind] ?? 1) - Math.max(0, lostMs) / spanMs);
  }
  return presence;
}
