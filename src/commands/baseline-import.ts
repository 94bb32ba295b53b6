/** Import: a reviewed file becomes a version, in force where its review counts as one here. */
import { ledgerRecord } from '../baseline/ledger.ts';
import { profileText, type Registry } from '../baseline/proposal.ts';
import { isSame, openWindow, type WindowMove } from '../baseline/window.ts';
import type { Database, Query } from '../model/ports.ts';
import type { LearningWindow } from '../model/window.ts';
import {
  insertProposal,
  lockSubject,
  putDocument,
  type StoredVersion,
  versionByHash,
  versionInForce,
} from '../record/baselines.ts';
import { eventNowMs, insertWindow, lockWindow, updateWindow } from '../record/windows.ts';
import {
  hashShort,
  movedThrough,
  profileOf,
  putInForce,
  refused,
  type Signature,
} from './baseline-acts.ts';
import { driftOf, needsOf } from './baseline-drift.ts';
import type { ReadBaseline } from './baseline-files.ts';

const AMONG_PEERS = { peers: { ownBits: 0, otherBits: [0] } };

/** What an import came to. */
export interface Imported {
  readonly hash: string;
  readonly subject: string;
  /** in force · waits for an approval here, and why · was in force already. */
  readonly result: 'in-force' | 'waits' | 'unchanged';
  readonly why: string;
}

/**
 * Takes a verified file. It comes into force at once, under the declared rule `reviewed-file`, where
 * people other than who imports it approved it, and it follows what is in force (or nothing is).
 * Otherwise it waits for an approval like any proposal. Only names that differ from the importer's
 * count, so nobody promotes alone by writing a file.
 */
export async function importBaseline(
  db: Database,
  registry: Registry,
  { file, profile, hash }: ReadBaseline,
  signature: Signature,
): Promise<Imported> {
  const { by, clockMs } = signature;
  return await db.transaction(async (query) => {
    await lockSubject(query, profile);
    const before = await versionInForce({ query }, profile);
    const { level, subject, meta } = profile;
    const facts = { hash, subject };
    if (before?.hash === hash)
      return { ...facts, result: 'unchanged', why: 'this very version is in force' };
    await refuseKnown(query, hash);
    const eventMs = await eventNowMs({ query }, clockMs);
    const previous = await profileOf({ query }, before?.hash ?? null);
    const { ledger, anchor } = await driftOf(query, registry, profile, hash, before);
    const others = peopleBesides(by, file.approved.by);
    // Whoever approved the file had its distance to the role before them; here nobody measured it.
    const evidence = others.length > 0 ? AMONG_PEERS : {};
    const needs = needsOf(profile, previous, ledger, evidence);
    const window = newWindow(profile, hash, signature, eventMs);
    await insertWindow(query, window, clockMs);
    await putDocument(query, hash, profileText(profile));
    const isWhole = file.approved.full || Object.keys(meta.ledger).length === 0;
    const isNew = await insertProposal(query, {
      ...{ hash, level, subject, parent: meta.parent, replaces: before?.hash ?? null },
      // Its real anchor is not here: without that document drift is bounded from above instead.
      anchor: before !== null ? anchor : isWhole ? hash : (meta.parent ?? hash),
      windowId: window.id,
      ledger: before !== null ? ledgerRecord(ledger) : isWhole ? {} : meta.ledger,
      evidence: { approved: file.approved },
      proposedBy: by,
      proposedMs: eventMs,
    });
    if (!isNew) throw refused(`${hashShort(hash)} was in force before: roll back to it`);
    const full = file.approved.full;
    const why = whyItWaits({ before, parent: meta.parent, others, full, needs });
    const moves: WindowMove[] = [
      { type: 'freeze', fitUntilMs: meta.toMs, atMs: eventMs },
      { type: 'propose', hash, by, criteria: [], ...needs, atMs: eventMs },
      ...(why === null ? approvalsOf(others, needs.approvalsNeeded, hash, full, eventMs) : []),
    ];
    const approved = await walk(query, window, moves, clockMs);
    if (approved.state === 'PROMOTED')
      await promote(query, { hash, window, approved, before, eventMs }, { ...signature, full });
    return { ...facts, result: why === null ? 'in-force' : 'waits', why: why ?? 'reviewed-file' };
  });
}

/** Distinct people other than one. */
function peopleBesides(by: string, names: readonly string[]): readonly string[] {
  return names.filter(
    (one, at) => !isSame(one, by) && names.findIndex((same) => isSame(same, one)) === at,
  );
}

async function refuseKnown(query: Query, hash: string): Promise<void> {
  const known = await versionByHash({ query }, hash);
  if (known?.state === 'superseded')
    throw refused(
      `${hashShort(hash)} was in force here before: plumbline baseline rollback --to ${hashShort(hash)}`,
    );
  if (known?.state === 'proposed')
    throw refused(`${hashShort(hash)} waits in review here already: approve or reject it`);
}

function newWindow(
  { level, subject }: ReadBaseline['profile'],
  hash: string,
  { by, reason, clockMs }: Signature,
  eventMs: number,
): LearningWindow {
  const opened = openWindow({
    scope: { level, subject },
    change: null,
    rule: 'reviewed-file',
    nonce: `${hash} ${clockMs}`,
    dimensions: ['*'],
    tools: null,
    opensMs: eventMs,
    openedBy: by,
    beneficiary: level === 'agent' ? subject : null,
    reason,
  });
  if (!opened.ok) throw refused(opened.reason);
  return opened.window;
}

/** Why a file does not come into force by its own review; null where it does. */
function whyItWaits(facts: {
  readonly before: StoredVersion | null;
  readonly parent: string | null;
  readonly others: readonly string[];
  readonly full: boolean;
  readonly needs: { readonly approvalsNeeded: number; readonly fullNeeded: boolean };
}): string | null {
  const { before, parent, others, full, needs } = facts;
  if (others.length < needs.approvalsNeeded)
    return others.length === 0
      ? 'the file names no approver other than who imports it'
      : `${needs.approvalsNeeded} approvers are needed besides who imports it`;
  if (needs.fullNeeded && !full)
    return 'the drift ledger is at its cap, and the file is no full re-approval';
  if (before !== null && parent !== before.hash)
    return `it does not follow what is in force here (${hashShort(before.hash)})`;
  return null;
}

function approvalsOf(
  others: readonly string[],
  needed: number,
  hash: string,
  full: boolean,
  atMs: number,
): WindowMove[] {
  return others.slice(0, needed).map((by) => {
    return { type: 'approve', hash, by, reason: 'as the reviewed file says', full, atMs };
  });
}

async function walk(
  query: Query,
  window: LearningWindow,
  moves: readonly WindowMove[],
  clockMs: number,
): Promise<LearningWindow> {
  let from = window;
  for (const to of movedThrough(window, moves)) {
    await updateWindow(query, from, to, clockMs);
    from = to;
  }
  return from;
}

async function promote(
  query: Query,
  change: {
    readonly hash: string;
    readonly window: LearningWindow;
    readonly approved: LearningWindow;
    readonly before: StoredVersion | null;
    readonly eventMs: number;
  },
  signature: Signature & { readonly full: boolean },
): Promise<void> {
  const { hash, window, approved, before, eventMs } = change;
  const version = await versionByHash({ query }, hash);
  if (version === null) throw refused(`${hashShort(hash)} is not recorded`);
  const beforeWindow = before === null ? null : await lockWindow(query, before.windowId);
  const standing = { version, window, before, beforeWindow };
  await putInForce(query, { ...standing, approved, eventMs }, signature);
}
