/** Propose: puts a learnt profile under review, in the window that permits it. */
import { exitCriteria, type Measured, NOTHING, type Waiver } from '../baseline/criteria.ts';
import { ledgerRecord, understated } from '../baseline/ledger.ts';
import type { Profile } from '../baseline/profile.ts';
import { type ProposalEvidence, profileText, type Registry } from '../baseline/proposal.ts';
import { changedOutside } from '../baseline/review.ts';
import { openWindow, type WindowMove } from '../baseline/window.ts';
import { short } from '../model/ids.ts';
import type { Database, Query } from '../model/ports.ts';
import type { LearningWindow } from '../model/window.ts';
import {
  dropProposal,
  insertProposal,
  lockSubject,
  putDocument,
  type StoredVersion,
  versionInForce,
} from '../record/baselines.ts';
import {
  eventNowMs,
  hardEvidenceIn,
  insertWindow,
  listWindows,
  readWindow,
  updateWindow,
} from '../record/windows.ts';
import {
  hashShort,
  locked,
  movedThrough,
  type Outcome,
  profileOf,
  refused,
  type Signature,
  versionOf,
} from './baseline-acts.ts';
import { driftOf, needsOf } from './baseline-drift.ts';

/** A profile to be proposed. */
export interface Proposal {
  readonly profile: Profile;
  readonly hash: string;
  readonly evidence: ProposalEvidence;
  readonly waivers: readonly Waiver[];
  /** Beginning of a window's id; null: the only open one of the subject, or genesis. */
  readonly window: string | null;
}

/**
 * Puts a profile under review: refuses one that does not follow what is in force, hides drift,
 * touches what its window does not name, or whose exit criteria are neither met nor waived.
 */
export async function proposeProfile(
  db: Database,
  registry: Registry,
  proposal: Proposal,
  signature: Signature,
): Promise<Outcome> {
  const { profile, hash, evidence } = proposal;
  const named = proposal.window === null ? null : await readWindow(db, proposal.window);
  return await db.transaction(async (query) => {
    await lockSubject(query, profile);
    const eventMs = await eventNowMs({ query }, signature.clockMs);
    const before = await versionInForce({ query }, profile);
    if (profile.meta.parent !== (before?.hash ?? null)) throw refused(staleText(profile, before));
    const at = { eventMs, ...signature };
    const window = await windowOf(query, profile, hash, { named, before, at });
    const previous = await profileOf({ query }, before?.hash ?? null);
    if (profile.meta.toMs >= window.expiresMs && window.rule === null)
      throw refused('it was learnt from sessions after the end of its window');
    checkUntouched(window, previous, profile);
    const { ledger, anchor } = await driftOf(query, registry, profile, hash, before);
    const hidden = understated(profile.meta.ledger, ledger);
    if (before !== null && hidden.length > 0)
      throw refused(`its drift ledger states less than there is in ${hidden.join(', ')}`);
    const needs = needsOf(profile, previous, ledger, evidence);
    const hardEvidence = await learntEvidence(query, window, profile);
    const { days, sessions } = profile.meta;
    // What the document or the record knows is not taken from whoever proposes.
    const known = { days, sessions, hardEvidence };
    const measured = { ...measuredOf(profile), ...evidence.measured, ...known };
    const criteria = exitCriteria(measured, proposal.waivers);
    const moves: WindowMove[] = [
      { type: 'freeze', fitUntilMs: profile.meta.toMs, atMs: eventMs },
      { type: 'propose', hash, by: signature.by, criteria, ...needs, atMs: eventMs },
    ];
    const steps = window.state === 'LEARNING' ? moves : moves.slice(1);
    const moved = movedThrough(window, steps);
    if (window.proposal !== null && window.proposal !== hash)
      await dropProposal(query, window.proposal, eventMs);
    await putDocument(query, hash, profileText(profile));
    const { level, subject, meta } = profile;
    const isNew = await insertProposal(query, {
      ...{ hash, level, subject, parent: meta.parent, replaces: before?.hash ?? null, anchor },
      windowId: window.id,
      ledger: before === null ? {} : ledgerRecord(ledger),
      evidence,
      proposedBy: signature.by,
      proposedMs: eventMs,
    });
    if (!isNew) throw refused('this very profile was in force before: roll back to it');
    let from = window;
    for (const to of moved) {
      await updateWindow(query, from, to, signature.clockMs);
      from = to;
    }
    return { window: from, version: await versionOf(query, hash) };
  });
}

/**
 * Findings of hard evidence in what was learnt: in a governed window all of them, for genesis those of
 * sessions that were not kept out.
 */
async function learntEvidence(
  query: Query,
  window: LearningWindow,
  { level, subject, meta }: Profile,
): Promise<number> {
  const { opensMs, expiresMs } = window;
  const scope = { level, subject };
  if (window.rule === null)
    return (await hardEvidenceIn({ query }, scope, opensMs, expiresMs)).length;
  const found = await hardEvidenceIn({ query }, scope, meta.fromMs, meta.toMs + 1);
  const out = new Set(meta.excluded.map(({ session }) => session));
  return found.filter(({ session }) => session === null || !out.has(session)).length;
}

interface Moment extends Signature {
  readonly eventMs: number;
}

/** The window a proposal belongs to, locked. Without a predecessor genesis opens one by rule. */
async function windowOf(
  query: Query,
  profile: Profile,
  hash: string,
  { named, before, at }: { named: LearningWindow | null; before: StoredVersion | null; at: Moment },
): Promise<LearningWindow> {
  const { level, subject } = profile;
  if (named !== null) {
    if (named.scope.level !== level || named.scope.subject !== subject)
      throw refused(
        `window ${short(named.id)} is about ${named.scope.level} ${named.scope.subject}, the profile about ${level} ${subject}`,
      );
    return await locked(query, named.id);
  }
  const open = await listWindows({ query }, { open: true, scope: profile, limit: 3 });
  const [only] = open;
  if (open.length === 1 && only !== undefined) return await locked(query, only.id);
  if (open.length > 1)
    throw refused(
      `several windows are open for ${subject}: say which with --window (${open.map(({ id }) => short(id)).join(', ')})`,
    );
  if (before !== null)
    throw refused(
      `no window is open for ${subject}: a baseline in force changes within a window only (plumbline window open)`,
    );
  const opened = openWindow({
    scope: { level, subject },
    change: null,
    rule: 'genesis',
    nonce: `${hash} ${at.clockMs}`,
    dimensions: ['*'],
    tools: null,
    opensMs: at.eventMs,
    openedBy: at.by,
    beneficiary: level === 'agent' ? subject : null,
    reason: at.reason,
  });
  if (!opened.ok) throw refused(opened.reason);
  await insertWindow(query, opened.window, at.clockMs);
  return opened.window;
}

function staleText(profile: Profile, before: StoredVersion | null): string {
  const follows = profile.meta.parent === null ? 'nothing' : hashShort(profile.meta.parent);
  const inForce = before === null ? 'nothing is' : `${hashShort(before.hash)} is`;
  return `the profile follows ${follows}, but ${inForce} in force for ${profile.level} ${profile.subject}: learn it anew from what is in force`;
}

function checkUntouched(window: LearningWindow, previous: Profile | null, profile: Profile): void {
  if (previous === null) return;
  const outside = changedOutside(window.dimensions, previous, profile);
  if (outside.length > 0)
    throw refused(
      `the window names ${window.dimensions.join(', ')}; the profile also changes ${outside.join(', ')}`,
    );
}

/** What a document says of the exit criteria by itself. */
function measuredOf(profile: Profile): Measured {
  const sizes = Object.entries(profile.calibration)
    .filter(([dimension]) => Object.hasOwn(profile.dimensions, dimension))
    .flatMap(([, cells]) => Object.values(cells).map((scores) => scores.length));
  const { sessions, days, excluded } = profile.meta;
  return {
    ...NOTHING,
    calibrationUnits: sizes.length === 0 ? null : Math.min(...sizes),
    days,
    sessions,
    excludedUnits: excluded.length,
    allUnits: sessions + excluded.length,
  };
}
