/** Window acts: open, close, extend, and the rounds that end what is over. */
import { trustAt } from '../baseline/trust.ts';
import { moveWindow, type Opening, openWindow } from '../baseline/window.ts';
import { short } from '../model/ids.ts';
import type { Database } from '../model/ports.ts';
import type { LearningWindow } from '../model/window.ts';
import { dropProposal, listVersions, type StoredVersion } from '../record/baselines.ts';
import {
  eventNowMs,
  insertWindow,
  listWindows,
  lockWindow,
  readWindow,
  updateWindow,
} from '../record/windows.ts';
import { endIfOver, refused, type Signature } from './baseline-acts.ts';

/** Most windows one round looks at; the next round has the rest. */
const ROUND = 1000;

/** Opens a window. `isNew` false: this change opened it before, and it stays as it is. */
export async function openLearning(
  db: Database,
  opening: Opening,
  clockMs: number,
): Promise<{ readonly window: LearningWindow; readonly isNew: boolean }> {
  const opened = openWindow(opening);
  if (!opened.ok) throw refused(opened.reason);
  return await db.transaction(async (query) => {
    const isNew = await insertWindow(query, opened.window, clockMs);
    const window = (await lockWindow(query, opened.window.id)) ?? opened.window;
    return { window, isNew };
  });
}

/** Ends a window by a person's word. The old baseline stays. */
export async function closeWindow(
  db: Database,
  prefix: string,
  signature: Signature,
): Promise<LearningWindow> {
  return await change(db, prefix, signature, (eventMs) => {
    return { type: 'reject', by: signature.by, why: signature.reason, atMs: eventMs };
  });
}

/** Gives a window more time, once, up to 30 days in all. */
export async function extendWindow(
  db: Database,
  prefix: string,
  byMs: number,
  signature: Signature,
): Promise<LearningWindow> {
  return await change(db, prefix, signature, (eventMs) => {
    return { type: 'extend', by: signature.by, byMs, atMs: eventMs };
  });
}

async function change(
  db: Database,
  prefix: string,
  signature: Signature,
  moveAt: (eventMs: number) => Parameters<typeof moveWindow>[1],
): Promise<LearningWindow> {
  const { id } = await readWindow(db, prefix);
  return await db.transaction(async (query) => {
    const window = await lockWindow(query, id);
    if (window === null) throw refused(`window ${short(id)} is gone`);
    const eventMs = await eventNowMs({ query }, signature.clockMs);
    const moved = moveWindow(window, moveAt(eventMs));
    if (!moved.ok) throw refused(`window ${short(id)}: ${moved.reason}`);
    if (moved.window.state === 'REJECTED' && window.proposal !== null)
      await dropProposal(query, window.proposal, eventMs);
    await updateWindow(query, window, moved.window, signature.clockMs);
    return moved.window;
  });
}

/** Windows a round ended. */
export interface CareRound {
  readonly expired: readonly string[];
  readonly aborted: readonly string[];
}

/** What waits for people. */
export interface BaselinesDue {
  /** Windows that wait for a yes or no. */
  readonly inReview: number;
  /** Baselines in force that nobody looked at for 30 days: they weaken from then on. */
  readonly stale: readonly BaselineAge[];
}

/** Age of a baseline in force, by event time: the figures of `plumbline.baseline.age`. */
export interface BaselineAge {
  readonly level: StoredVersion['level'];
  readonly subject: string;
  readonly hash: string;
  readonly ageMs: number;
  /** Weight of its own evidence, 1 while fresh, halving every 90 days after 30. */
  readonly trust: number;
}

/**
 * One round of housekeeping: ends windows whose event time is over or that hold hard evidence. Never
 * promotes anything. Safe twice at once.
 */
export async function careForBaselines(db: Database, clockMs: number): Promise<CareRound> {
  const expired: string[] = [];
  const aborted: string[] = [];
  for (const { id } of await listWindows(db, { open: true, limit: ROUND })) {
    const ended = await db.transaction(async (query) => {
      const window = await lockWindow(query, id);
      if (window === null) return null;
      return await endIfOver(query, window, await eventNowMs({ query }, clockMs), clockMs);
    });
    if (ended !== null) (ended.state === 'EXPIRED' ? expired : aborted).push(id);
  }
  return { expired, aborted };
}

/** What waits for people: reviews, and revalidation by event time. */
export async function baselinesDue(db: Database, clockMs: number): Promise<BaselinesDue> {
  const open = await listWindows(db, { open: true, limit: ROUND });
  const ages = await baselineAges(db, clockMs);
  return {
    inReview: open.filter(({ state }) => state === 'REVIEW').length,
    stale: ages.filter(({ trust }) => trust < 1),
  };
}

/** Age and trust of everything in force. */
export async function baselineAges(db: Database, clockMs: number): Promise<readonly BaselineAge[]> {
  const nowMs = await eventNowMs(db, clockMs);
  const versions = await listVersions(db, { states: ['promoted'], limit: 100_000 });
  return versions.map(({ level, subject, hash, revalidatedMs, inForceMs }) => {
    const ageMs = Math.max(0, nowMs - (revalidatedMs ?? inForceMs ?? nowMs));
    return { level, subject, hash, ageMs, trust: trustAt(ageMs) };
  });
}
