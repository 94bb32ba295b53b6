/** Drift: how far a proposal walks, what that asks of people, and the report they read. */
import { isOutlier, type LedgerRow, ledgerAfter } from '../baseline/ledger.ts';
import type { Profile } from '../baseline/profile.ts';
import type { ProposalEvidence, Registry } from '../baseline/proposal.ts';
import { ledgerSteps, type ReviewReport, removedDimensions, review } from '../baseline/review.ts';
import type { Database, Query } from '../model/ports.ts';
import type { LearningWindow } from '../model/window.ts';
import { type StoredVersion, versionByHash } from '../record/baselines.ts';
import { readWindow } from '../record/windows.ts';
import { hashShort, profileOf, refused } from './baseline-acts.ts';

/** The drift ledger after a proposal, and the version it is measured from. */
export async function driftOf(
  query: Query,
  registry: Registry,
  profile: Profile,
  hash: string,
  before: StoredVersion | null,
): Promise<{ ledger: LedgerRow[]; anchor: string }> {
  const anchor = before?.anchor ?? hash;
  const previous = await profileOf({ query }, before?.hash ?? null);
  const first = anchor === hash ? null : await profileOf({ query }, anchor);
  const steps = ledgerSteps(registry, profile, previous, first);
  return { ledger: ledgerAfter(before?.ledger ?? {}, steps), anchor };
}

/** How many people must say yes, and whether to the whole. */
export function needsOf(
  profile: Profile,
  previous: Profile | null,
  ledger: readonly LedgerRow[],
  evidence: ProposalEvidence,
): { readonly approvalsNeeded: number; readonly fullNeeded: boolean } {
  const isBlinder = removedDimensions(previous, profile).length > 0;
  const fullNeeded = isBlinder || ledger.some(({ isOver }) => isOver);
  // An agent whose distance to its role was not measured counts as far from it.
  const isFar =
    profile.level === 'agent' && isOutlier(evidence.peers ?? { ownBits: 0, otherBits: [] });
  return { approvalsNeeded: fullNeeded || isFar ? 2 : 1, fullNeeded };
}

/** The report of a version that is or was under review. */
export async function reviewOf(
  db: Pick<Database, 'query'>,
  registry: Registry,
  version: StoredVersion,
): Promise<{ readonly report: ReviewReport; readonly window: LearningWindow }> {
  const window = await readWindow(db, version.windowId);
  const proposed = await profileOf(db, version.hash);
  if (proposed === null) throw refused(`the document of ${hashShort(version.hash)} is not stored`);
  const previous = await profileOf(db, version.replaces);
  const before = version.replaces === null ? null : await versionByHash(db, version.replaces);
  const { ledger } = await driftOf(db.query, registry, proposed, version.hash, before);
  const evidence = version.evidence as ProposalEvidence;
  const report = review({
    proposed,
    proposedHash: version.hash,
    previous,
    previousHash: version.replaces,
    registry,
    criteria: window.criteria,
    ledger,
    evidence,
  });
  return { report, window };
}
