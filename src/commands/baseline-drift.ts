/** Drift: how far a proposal walks, what that asks of people, and the report they read. */
import { isOutlier, type LedgerRow, ledgerAfter } from '../baseline/ledger.ts';
import type { Profile } from '../baseline/profile.ts';
import type { ProposalEvidence, Registry } from '../baseline/proposal.ts';
import { ledgerSteps, type ReviewReport, removedDimensions, review } from '../baseline/review.ts';
import type { InForce } from '../baseline/succession.ts';
import type { Database, Query } from '../model/ports.ts';
import type { LearningWindow, WindowScope } from '../model/window.ts';
import {
  listVersions,
  type StoredVersion,
  versionByHash,
  versionInForce,
} from '../record/baselines.ts';
import { readWindow } from '../record/windows.ts';
import { hashShort, profileOf, refused } from './baseline-acts.ts';

const VERSIONS_MAX = 100_000;

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

/** What a learner starts from: the profile in force, its anchor and its ledger. Null: nothing is. */
export async function inForceOf(
  db: Pick<Database, 'query'>,
  scope: WindowScope,
): Promise<InForce | null> {
  const version = await versionInForce(db, scope);
  const profile = await profileOf(db, version?.hash ?? null);
  if (version === null || profile === null) return null;
  const anchor = await profileOf(db, version.anchor);
  return { profile, anchor, ledger: version.ledger };
}

/** Every profile in force, for whoever scores; by level, then subject. */
export async function profilesInForce(db: Pick<Database, 'query'>): Promise<readonly Profile[]> {
  const profiles: Profile[] = [];
  const versions = await listVersions(db, { states: ['promoted'], limit: VERSIONS_MAX });
  for (const { hash } of versions) {
    const profile = await profileOf(db, hash);
    if (profile === null) throw refused(`the document of ${hashShort(hash)} is not stored`);
    profiles.push(profile);
  }
  return profiles;
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
