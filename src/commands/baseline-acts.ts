/** Baseline acts: approve, reject, roll back; each one guarded transaction. */
import type { Profile } from '../baseline/profile.ts';
import { moveWindow, type WindowMove } from '../baseline/window.ts';
import { OperatingError } from '../model/errors.ts';
import { short } from '../model/ids.ts';
import type { Database, Query } from '../model/ports.ts';
import type { LearningWindow } from '../model/window.ts';
import {
  dropProposal,
  lockSubject,
  promoteVersion,
  readDocument,
  readVersion,
  restoreVersion,
  type StoredVersion,
  versionByHash,
  versionInForce,
} from '../record/baselines.ts';
import { eventNowMs, hardEvidenceIn, lockWindow, updateWindow } from '../record/windows.ts';
import { safe } from './output.ts';

/** Who does something, why, and when by the observer's own clock. */
export interface Signature {
  readonly by: string;
  readonly reason: string;
  readonly clockMs: number;
}

/** What approving, or looking again, made of a window. */
export interface Outcome {
  readonly window: LearningWindow;
  readonly version: StoredVersion;
}

/** A refusal with its rule: nothing was changed. Names in it may come from outside: escaped here. */
export function refused(message: string, cause?: unknown): OperatingError {
  return new OperatingError('BASELINE_REFUSED', safe(message, 4000), { retryable: false, cause });
}

/** The document of a hash; null where this database does not have it. */
export async function profileOf(
  db: Pick<Database, 'query'>,
  hash: string | null,
): Promise<Profile | null> {
  const text = hash === null ? null : await readDocument(db, hash);
  // It was checked against the schema before it was stored, and against its hash just now.
  return text === null ? null : (JSON.parse(text) as Profile);
}

/** Every state a window goes through by these moves; refuses at the first that is not possible. */
export function movedThrough(
  window: LearningWindow,
  moves: readonly WindowMove[],
): LearningWindow[] {
  const states: LearningWindow[] = [];
  for (const move of moves) {
    const moved = moveWindow(states.at(-1) ?? window, move);
    if (!moved.ok) throw refused(`window ${short(window.id)}: ${moved.reason}`);
    states.push(moved.window);
  }
  return states;
}

/** A window by its id, locked; refuses where it is gone. */
export async function locked(query: Query, id: string): Promise<LearningWindow> {
  const window = await lockWindow(query, id);
  if (window === null) throw refused(`window ${short(id)} is gone`);
  return window;
}

/** A version by its hash; refuses where it is not recorded. */
export async function versionOf(query: Query, hash: string): Promise<StoredVersion> {
  const version = await versionByHash({ query }, hash);
  if (version === null) throw refused(`${hash} is not recorded`);
  return version;
}

/** First 12 digits of a version's hash. */
export function hashShort(hash: string): string {
  return short(hash.replace(/^sha256:/, ''));
}

/**
 * One person's yes to exactly this document. Promotes when enough people said it; what is in force is
 * read and replaced under one lock, so that of two approvals at once the second sees the first. Finds
 * the window over, or hard evidence inside: then it ends instead, and that is the outcome.
 */
export async function approveProposal(
  db: Database,
  hash: string,
  full: boolean,
  signature: Signature,
): Promise<Outcome> {
  const found = await readVersion(db, hash);
  return await db.transaction(async (query) => {
    await lockSubject(query, found);
    const { version, window, before, beforeWindow } = await lockAll(query, found.hash);
    if (version.state !== 'proposed') throw refused(notWaiting(version));
    const eventMs = await eventNowMs({ query }, signature.clockMs);
    const over = await endIfOver(query, window, eventMs, signature.clockMs);
    if (over !== null) return { window: over, version: await versionOf(query, version.hash) };
    if ((before?.hash ?? null) !== version.replaces)
      throw refused(
        `it was made to replace ${version.replaces === null ? 'nothing' : hashShort(version.replaces)}, but ${before === null ? 'nothing' : hashShort(before.hash)} is in force by now: propose anew`,
      );
    const { by, reason, clockMs } = signature;
    const approval = { by, reason, full, atMs: eventMs };
    const moves: WindowMove[] = [{ type: 'approve', hash: version.hash, ...approval }];
    const [approved = window] = movedThrough(window, moves);
    await putInForce(
      query,
      { version, window, approved, before, beforeWindow, eventMs },
      {
        ...signature,
        full,
      },
    );
    await updateWindow(query, window, approved, clockMs);
    return { window: approved, version: await versionOf(query, version.hash) };
  });
}

interface Standing {
  readonly version: StoredVersion;
  readonly window: LearningWindow;
  readonly before: StoredVersion | null;
  readonly beforeWindow: LearningWindow | null;
}

/** Locks every window a change of what is in force may touch, before anything is written. */
async function lockAll(query: Query, hash: string): Promise<Standing> {
  const version = await versionOf(query, hash);
  const before = await versionInForce({ query }, version);
  const window = await locked(query, version.windowId);
  const beforeWindow = before === null ? null : await locked(query, before.windowId);
  return { version, window, before, beforeWindow };
}

/** Where a window was promoted: puts its version in force, and the old one with its window out. */
export async function putInForce(
  query: Query,
  change: Standing & { readonly approved: LearningWindow; readonly eventMs: number },
  { by, reason, clockMs, full }: Signature & { readonly full: boolean },
): Promise<void> {
  const { version, approved, before, beforeWindow, eventMs } = change;
  if (approved.state !== 'PROMOTED') return;
  const approvedBy = approved.approvals.map((one) => one.by);
  // One person alone never resets the drift ledger, whatever they say they read.
  const { approvals } = approved;
  const isWhole = full && approvals.length >= 2 && approvals.every((one) => one.full);
  const facts = { approvedBy, by, reason, atMs: eventMs };
  await promoteVersion(query, { version, before, full: isWhole, ...facts });
  if (beforeWindow === null || before === null) return;
  const why = `replaced by ${hashShort(version.hash)}`;
  const moves: WindowMove[] = [{ type: 'supersede', by, why, atMs: eventMs }];
  const [superseded = beforeWindow] = movedThrough(beforeWindow, moves);
  await updateWindow(query, beforeWindow, superseded, clockMs);
}

function notWaiting({ state, hash }: StoredVersion): string {
  const is = {
    promoted: 'is in force',
    superseded: 'was in force before',
    rejected: 'was rejected',
  };
  return `${hashShort(hash)} ${state === 'proposed' ? 'waits' : is[state]}: there is nothing to approve`;
}

/**
 * Ends a window whose time is over or that holds hard evidence, and drops what it proposed. The
 * window is locked. Null: it goes on.
 */
export async function endIfOver(
  query: Query,
  window: LearningWindow,
  eventMs: number,
  clockMs: number,
): Promise<LearningWindow | null> {
  const { scope, opensMs, expiresMs, rule } = window;
  const isOver = eventMs >= expiresMs;
  // What a rule opened learnt from the past: its evidence was judged when it was proposed.
  const [evidence] =
    rule === null ? await hardEvidenceIn({ query }, scope, opensMs, expiresMs) : [];
  if (evidence === undefined && !isOver) return null;
  const move: WindowMove = isOver
    ? { type: 'expire', atMs: eventMs }
    : { type: 'abort', evidence: `detection ${evidence?.id}`, atMs: eventMs };
  const moved = moveWindow(window, move);
  if (!moved.ok) return null;
  if (window.proposal !== null) await dropProposal(query, window.proposal, eventMs);
  await updateWindow(query, window, moved.window, clockMs);
  return moved.window;
}

/** A person's no: the window ends, the old baseline stays. */
export async function rejectProposal(
  db: Database,
  hash: string,
  signature: Signature,
): Promise<Outcome> {
  const found = await readVersion(db, hash);
  return await db.transaction(async (query) => {
    await lockSubject(query, found);
    const { version, window } = await lockAll(query, found.hash);
    if (version.state !== 'proposed') throw refused(notWaiting(version));
    const eventMs = await eventNowMs({ query }, signature.clockMs);
    const { by, reason } = signature;
    const [rejected = window] = movedThrough(window, [
      { type: 'reject', by, why: reason, atMs: eventMs },
    ]);
    await dropProposal(query, version.hash, eventMs);
    await updateWindow(query, window, rejected, signature.clockMs);
    return { window: rejected, version: await versionOf(query, version.hash) };
  });
}

/**
 * Puts an earlier version in force again: the one that was replaced, or the one named. The windows of
 * both change places. Refuses what was never in force.
 */
export async function rollBack(
  db: Database,
  scope: Pick<StoredVersion, 'level' | 'subject'>,
  to: string | null,
  signature: Signature,
): Promise<{ readonly from: StoredVersion; readonly to: StoredVersion }> {
  const named = to === null ? null : await readVersion(db, to);
  return await db.transaction(async (query) => {
    await lockSubject(query, scope);
    const from = await versionInForce({ query }, scope);
    if (from === null) throw refused(`nothing is in force for ${scope.level} ${scope.subject}`);
    const hash = named?.hash ?? from.replaces;
    if (hash === null)
      throw refused(`nothing was in force for ${scope.subject} before ${hashShort(from.hash)}`);
    const target = await versionOf(query, hash);
    if (target.level !== from.level || target.subject !== from.subject)
      throw refused(`${hashShort(hash)} is of ${target.level} ${target.subject}`);
    if (target.state !== 'superseded')
      throw refused(
        `${hashShort(hash)} ${target.state === 'promoted' ? 'is in force' : 'was never in force'}: there is nothing to roll back to`,
      );
    // Whatever is put in force must be readable and what it says it is.
    if ((await profileOf({ query }, hash)) === null)
      throw refused(`the document of ${hashShort(hash)} is not in this database: import it`);
    const eventMs = await eventNowMs({ query }, signature.clockMs);
    const { by, reason, clockMs } = signature;
    const fromWindow = await locked(query, from.windowId);
    const targetWindow = await locked(query, target.windowId);
    const why = `rolled back to ${hashShort(hash)}: ${reason}`;
    const [ended = fromWindow] = movedThrough(fromWindow, [
      { type: 'supersede', by, why, atMs: eventMs },
    ]);
    const [restored = targetWindow] = movedThrough(targetWindow, [
      { type: 'restore', atMs: eventMs },
    ]);
    await restoreVersion(query, { version: target, before: from, atMs: eventMs, by, reason });
    await updateWindow(query, fromWindow, ended, clockMs);
    await updateWindow(query, targetWindow, restored, clockMs);
    return { from, to: await versionOf(query, hash) };
  });
}
