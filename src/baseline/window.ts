/** Learning windows: who may open one, for what, how they move on, and how they end. */
import { assertNever } from '../model/errors.ts';
import { idOf } from '../model/ids.ts';
import {
  type Approval,
  type Criterion,
  type LearningWindow,
  OPEN_STATES,
  type WindowScope,
} from '../model/window.ts';

const DAY_MS = 86_400_000;
/** How long a window stays open where nobody says otherwise, ms. */
export const WINDOW_DEFAULT_MS = 7 * DAY_MS;
/** How long a window may stay open, its extension included, ms. */
export const WINDOW_MAX_MS = 30 * DAY_MS;

/** What it takes to open a window. */
export interface Opening {
  readonly scope: WindowScope;
  readonly change: string | null;
  readonly rule: string | null;
  /** Tells windows of one rule apart; a change has one window for good. */
  readonly nonce?: string;
  readonly dimensions: readonly string[];
  readonly tools: readonly string[] | null;
  readonly opensMs: number;
  /** Asked for length, ms; at most 30 days are given. */
  readonly lengthMs?: number;
  readonly openedBy: string;
  readonly beneficiary: string | null;
  readonly reason: string;
}

/** A new window, or why there is none. */
export type Opened =
  | { readonly ok: true; readonly window: LearningWindow }
  | { readonly ok: false; readonly reason: string };

/**
 * Opens a window: refuses one that names neither a change nor a declared rule, no dimension, or is
 * signed by nobody or by whom it would excuse.
 */
export function openWindow(opening: Opening): Opened {
  const { scope, change, rule, openedBy, beneficiary, opensMs } = opening;
  const lengthMs = Math.min(opening.lengthMs ?? WINDOW_DEFAULT_MS, WINDOW_MAX_MS);
  const refuse = (reason: string): Opened => ({ ok: false, reason });
  if ((change === null) === (rule === null))
    return refuse('a window names the governance change that permits it, or a declared rule');
  if (opening.dimensions.length === 0) return refuse('a window names the dimensions it is about');
  if (openedBy.trim() === '') return refuse('a window is signed by somebody');
  if (beneficiary !== null && isSame(openedBy, beneficiary))
    return refuse('who would benefit from a window cannot sign for it');
  if (scope.level === 'agent' && isSame(openedBy, scope.subject))
    return refuse('an agent cannot sign for its own window');
  if (!(lengthMs > 0)) return refuse('a window has a length above zero');
  const id = idOf('window', scope.level, scope.subject, change, rule, opening.nonce ?? null);
  return {
    ok: true,
    window: {
      ...{ id, change, rule, scope, openedBy, beneficiary, opensMs },
      dimensions: [...new Set(opening.dimensions)].sort(),
      tools: opening.tools === null ? null : [...new Set(opening.tools)].sort(),
      expiresMs: opensMs + lengthMs,
      reason: opening.reason,
      state: 'LEARNING',
      extended: false,
      fitUntilMs: null,
      proposal: null,
      proposedBy: null,
      criteria: [],
      approvalsNeeded: 1,
      fullNeeded: false,
      approvals: [],
      ended: null,
    },
  };
}

/** Everything that can happen to a window. `atMs` is event time. */
export type WindowMove =
  /** The fit is frozen; what comes after `fitUntilMs` calibrates it. */
  | { readonly type: 'freeze'; readonly fitUntilMs: number; readonly atMs: number }
  /** A profile was made: a newer one replaces an older one and voids what was said to that. */
  | {
      readonly type: 'propose';
      readonly hash: string;
      readonly by: string;
      readonly criteria: readonly Criterion[];
      readonly approvalsNeeded: number;
      readonly fullNeeded: boolean;
      readonly atMs: number;
    }
  | ({ readonly type: 'approve'; readonly hash: string } & Approval)
  | { readonly type: 'reject'; readonly by: string; readonly why: string; readonly atMs: number }
  | { readonly type: 'extend'; readonly by: string; readonly byMs: number; readonly atMs: number }
  | { readonly type: 'expire'; readonly atMs: number }
  /** Hard evidence fell into it. */
  | { readonly type: 'abort'; readonly evidence: string; readonly atMs: number }
  | { readonly type: 'supersede'; readonly by: string; readonly why: string; readonly atMs: number }
  /** A rollback puts it in force again. */
  | { readonly type: 'restore'; readonly atMs: number };

/** Is it open: does it still permit to learn? */
export function isOpen({ state }: Pick<LearningWindow, 'state'>): boolean {
  return OPEN_STATES.some((open) => open === state);
}

/**
 * What a move makes of a window, or why it cannot be made. The states by their exits:
 * LEARNING → CALIBRATING by freezing the fit · CALIBRATING → REVIEW by a proposal whose criteria are
 * met or waived · REVIEW → PROMOTED by as many people as needed, none of whom proposed or benefits ·
 * any open one → EXPIRED by event time, REJECTED by a person, ABORTED by hard evidence · PROMOTED ⇄
 * SUPERSEDED by a newer promotion and by rollback. No path leads from time-out to PROMOTED.
 */
export function moveWindow(window: LearningWindow, move: WindowMove): Opened {
  const to = (change: Partial<LearningWindow>): Opened => ({
    ok: true,
    window: { ...window, ...change },
  });
  const refuse = (reason: string): Opened => ({ ok: false, reason });
  const ended = (state: LearningWindow['state'], by: string, why: string): Opened =>
    to({ state, ended: { atMs: move.atMs, by, why } });
  const isBack = move.type === 'supersede' || move.type === 'restore';
  if (isBack || !isOpen(window)) return moveClosed(window, move, to, refuse);
  // What happens at the end of its time or later cannot be anything but its end.
  if (move.atMs >= window.expiresMs && move.type !== 'expire' && move.type !== 'reject')
    return refuse('its time is over: it expires and the old baseline stays');
  switch (move.type) {
    case 'freeze':
      if (window.state !== 'LEARNING') return refuse(`the fit is frozen already (${window.state})`);
      return to({ state: 'CALIBRATING', fitUntilMs: move.fitUntilMs });
    case 'propose':
      return propose(window, move, to, refuse);
    case 'approve':
      return approve(window, move, to, refuse);
    case 'extend':
      return extend(window, move, to, refuse);
    case 'reject':
      return ended('REJECTED', move.by, move.why);
    case 'abort':
      return ended('ABORTED', 'hard evidence', move.evidence);
    case 'expire':
      if (move.atMs < window.expiresMs) return refuse('its time is not over');
      return ended('EXPIRED', 'time', 'nobody promoted it in time; the old baseline stays');
    default:
      return assertNever(move);
  }
}

type To = (change: Partial<LearningWindow>) => Opened;
type Refuse = (reason: string) => Opened;
type Move<T> = Extract<WindowMove, { readonly type: T }>;

function moveClosed(window: LearningWindow, move: WindowMove, to: To, refuse: Refuse): Opened {
  if (move.type === 'supersede' && window.state === 'PROMOTED')
    return to({
      state: 'SUPERSEDED',
      ended: { atMs: move.atMs, by: move.by, why: move.why },
    });
  if (move.type === 'restore' && window.state === 'SUPERSEDED')
    return to({ state: 'PROMOTED', ended: null });
  const why = window.ended === null ? '' : `: ${window.ended.why}`;
  return refuse(`it is ${window.state}${why}; a ${move.type} is not possible`);
}

function propose(window: LearningWindow, move: Move<'propose'>, to: To, refuse: Refuse): Opened {
  if (window.state === 'LEARNING') return refuse('the fit is not frozen yet');
  const open = unmetText(move.criteria);
  if (open !== null) return refuse(open);
  if (window.beneficiary !== null && isSame(move.by, window.beneficiary))
    return refuse('who would benefit cannot propose');
  const { hash: proposal, by: proposedBy, criteria, approvalsNeeded, fullNeeded } = move;
  const fresh = { proposal, proposedBy, criteria, approvalsNeeded, fullNeeded };
  return to({ state: 'REVIEW', ...fresh, approvals: [] });
}

function approve(window: LearningWindow, move: Move<'approve'>, to: To, refuse: Refuse): Opened {
  const { type: _, hash, ...approval } = move;
  if (window.state !== 'REVIEW')
    return refuse(`it is ${window.state}: there is nothing to approve`);
  if (hash !== window.proposal)
    return refuse('the proposal is another one by now: review it first');
  const person = approval.by;
  if (person.trim() === '') return refuse('an approval is signed by somebody');
  const { proposedBy, beneficiary, scope } = window;
  if (proposedBy !== null && isSame(person, proposedBy))
    return refuse(`four eyes: ${person} proposed it, so somebody else approves`);
  if (beneficiary !== null && isSame(person, beneficiary))
    return refuse(`${person} would benefit from it, so somebody else approves`);
  if (scope.level === 'agent' && isSame(person, scope.subject))
    return refuse('an agent cannot approve its own baseline');
  if (window.approvals.some(({ by }) => isSame(by, person)))
    return refuse(`${person} approved it already; another person is needed`);
  if (window.fullNeeded && !approval.full)
    return refuse(
      'the drift ledger is at its cap: only a full re-approval promotes (--full, after reading the whole profile)',
    );
  const approvals = [...window.approvals, approval];
  const isEnough = approvals.length >= window.approvalsNeeded;
  return to({ approvals, ...(isEnough ? { state: 'PROMOTED' } : {}) });
}

function extend(window: LearningWindow, move: Move<'extend'>, to: To, refuse: Refuse): Opened {
  if (window.extended) return refuse('it was extended once, and there is no second time');
  const { beneficiary, opensMs, expiresMs } = window;
  if (beneficiary !== null && isSame(move.by, beneficiary))
    return refuse('who would benefit cannot extend it');
  const untilMs = Math.min(expiresMs + move.byMs, opensMs + WINDOW_MAX_MS);
  if (!(untilMs > expiresMs)) return refuse('30 days are the most a window gets');
  return to({ expiresMs: untilMs, extended: true });
}

/** The same person? Case, width and spaces make nobody two people. */
export function isSame(a: string, b: string): boolean {
  return personOf(a) === personOf(b);
}

function personOf(name: string): string {
  return name.normalize('NFKC').trim().replace(/\s+/gu, ' ').toLowerCase();
}

/** Which criteria are neither met nor waived, what that means, and how to go on; null: none. */
export function unmetText(criteria: readonly Criterion[]): string | null {
  const open = criteria.filter(({ met, waived }) => !met && waived === null);
  if (open.length === 0) return null;
  const meanings = open.flatMap(({ name }) => MEANINGS[name] ?? []);
  return [
    `exit criteria are not met: ${open.map(criterionText).join('; ')}.`,
    ...meanings,
    `Learn longer, or take responsibility with --waive ${open.map(({ name }) => name).join(',')} (hard-evidence and sessions cannot be waived).`,
  ].join(' ');
}

/** What a figure says that its name does not. */
const MEANINGS: Readonly<Record<string, string>> = {
  'unseen-tools': 'unseen-tools is the chance that the next session uses a tool no session used.',
  'unseen-origins':
    'unseen-origins is the chance that the next argument is filled from where none was filled before: it would look foreign.',
  excluded:
    'excluded is the share of sessions the gate kept out: find out what they did before anything is learnt beside them.',
};

/** A criterion in words: name, figure, bound. */
export function criterionText({ name, value, needed, bound }: Criterion): string {
  return `${name} ${value === null ? 'not measured' : Number(value.toPrecision(4))} (${bound} ${needed})`;
}

/** Does a window name this dimension? `level.*` names `level.tokens`, `*` everything. */
export function namesDimension(dimensions: readonly string[], dimension: string): boolean {
  return dimensions.some(
    (name) =>
      name === '*' ||
      name === dimension ||
      (name.endsWith('.*') && dimension.startsWith(name.slice(0, -1))),
  );
}

/** How a dimension of an agent is scored at an event time while windows are open. */
export type Stance = 'enforced' | 'one-level-up' | 'abstains';

/**
 * Only what an open window names is taken out of force: for a window of the agent it is scored one
 * level up (its role), for one of a role or the fleet it abstains. `tool` is that of the symbol at
 * hand, null where the dimension has none. Windows about other tools leave this one in force.
 */
export function stanceOf(
  windows: readonly LearningWindow[],
  who: { readonly agent: string; readonly role: string | null },
  dimension: string,
  tool: string | null,
  atMs: number,
): Stance {
  let stance: Stance = 'enforced';
  for (const window of windows) {
    const { scope, opensMs, expiresMs, dimensions, tools } = window;
    if (!isOpen(window) || atMs < opensMs || atMs >= expiresMs) continue;
    if (!isInScope(scope, who) || !namesDimension(dimensions, dimension)) continue;
    if (tools !== null && (tool === null || !tools.includes(tool))) continue;
    if (scope.level !== 'agent') return 'abstains';
    stance = 'one-level-up';
  }
  return stance;
}

/** Is this agent of this role whom a scope is about? */
export function isInScope(
  { level, subject }: WindowScope,
  who: { readonly agent: string; readonly role: string | null },
): boolean {
  if (level === 'fleet') return true;
  return level === 'agent' ? who.agent === subject : who.role === subject;
}
