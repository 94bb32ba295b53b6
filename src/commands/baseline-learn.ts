/** Learn and propose: a learnt profile becomes a proposal in the window that permits it. */
import { type Profile, profileHash } from '../baseline/profile.ts';
import type { ProposalEvidence, Registry } from '../baseline/proposal.ts';
import { type InForce, succeed } from '../baseline/succession.ts';
import type { Database } from '../model/ports.ts';
import type { LearningWindow, WindowScope } from '../model/window.ts';
import { listWindows, readWindow } from '../record/windows.ts';
import type { Outcome, Signature } from './baseline-acts.ts';
import { inForceOf } from './baseline-drift.ts';
import { type Proposal, proposeProfile } from './baseline-propose.ts';

/** What is to be learnt, and by what. */
export interface Learning extends Pick<Proposal, 'waivers' | 'window'> {
  readonly scope: WindowScope;
  /**
   * Learns from the sessions the window permits; null: everything there is (genesis). Parent and
   * ledger of the profile it returns are set here, and what the window does not name is kept.
   */
  learn(
    window: LearningWindow | null,
    inForce: InForce | null,
  ): { readonly profile: Profile; readonly evidence: ProposalEvidence };
}

/** Learns a profile and puts it under review; refuses as `proposeProfile` does. */
export async function learnAndPropose(
  db: Database,
  registry: Registry,
  learning: Learning,
  signature: Signature,
): Promise<Outcome> {
  const { scope, waivers } = learning;
  const window = await windowFor(db, learning);
  const inForce = await inForceOf(db, scope);
  const { profile: learnt, evidence } = learning.learn(window, inForce);
  const permission = window ?? { dimensions: ['*'], change: null };
  const profile = succeed(registry, learnt, inForce, permission);
  const hash = profileHash(profile);
  const proposal = { profile, hash, evidence, waivers, window: window?.id ?? null };
  return await proposeProfile(db, registry, proposal, signature);
}

/** The window named, or the only open one of the subject; null leaves the refusal to the proposal. */
async function windowFor(
  db: Database,
  { scope, window }: Pick<Learning, 'scope' | 'window'>,
): Promise<LearningWindow | null> {
  if (window !== null) return await readWindow(db, window);
  const open = await listWindows(db, { open: true, scope, limit: 2 });
  return open.length === 1 ? (open[0] ?? null) : null;
}
