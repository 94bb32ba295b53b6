/** Exit criteria: what must be measured before anybody is asked to promote a baseline. */
import type { Criterion } from '../model/window.ts';

/** What a window measured of itself. Null where it could not be: it then counts as unmet. */
export interface Measured {
  /** Fewest fit units of any dimension and cell that is to be enforced. */
  readonly fitUnits: number | null;
  /** The same of calibration units. */
  readonly calibrationUnits: number | null;
  /** Fit and calibration share units by cross-fitting (below 400 in all). */
  readonly crossfit: boolean;
  /** Event time from the last fit unit to the first calibration unit, ms; cross-fitting: null. */
  readonly gapMs: number | null;
  /** Distinct UTC days, and sessions. */
  readonly days: number | null;
  readonly sessions: number | null;
  /** Good–Turing N1/n over tools and over origins. */
  readonly unseenTools: number | null;
  readonly unseenOrigins: number | null;
  /** Session-permutation p of the first against the second half. */
  readonly halvesP: number | null;
  /** Lag-1 Spearman correlation of consecutive unit scores of one agent. */
  readonly lag1: number | null;
  /** Units the gate kept out, and all of them. */
  readonly excludedUnits: number | null;
  readonly allUnits: number | null;
  /** Findings of hard evidence inside. */
  readonly hardEvidence: number | null;
  /** Share of the time each needed source was heard. */
  readonly presence: Readonly<Record<string, number>> | null;
}

/** A criterion that a person let pass, and on whose word. */
export interface Waiver {
  readonly name: string;
  /** Who and why, as it will stand in the journal. */
  readonly why: string;
}

/** Figures of statistics §8. */
export const UNITS_MIN = 200;
const DAYS_MIN = 7;
const SESSIONS_MIN = 50;
const UNSEEN_MAX = 0.02;
const HALVES_P_MIN = 0.01;
const LAG1_MAX = 0.2;
const EXCLUDED_MAX = 0.02;
const PRESENCE_MIN = 0.95;

/** Nothing excuses hard evidence, and 50 sessions are the least whoever waives what. */
const UNWAIVABLE: ReadonlySet<string> = new Set(['hard-evidence', 'sessions']);

/** Every exit criterion with its figure, in the order people read them. */
export function exitCriteria(measured: Measured, waivers: readonly Waiver[] = []): Criterion[] {
  const { excludedUnits, allUnits, presence } = measured;
  const excluded =
    excludedUnits === null || allUnits === null ? null : excludedUnits / Math.max(1, allUnits);
  const heard = presence === null ? [] : Object.values(presence);
  const atLeast = (name: string, value: number | null, needed: number): Criterion =>
    criterion(name, value, needed, 'at least', waivers);
  const atMost = (name: string, value: number | null, needed: number): Criterion =>
    criterion(name, value, needed, 'at most', waivers);
  return [
    atLeast('fit-units', measured.fitUnits, UNITS_MIN),
    atLeast('calibration-units', measured.calibrationUnits, UNITS_MIN),
    // Cross-fitting keeps the two apart by fold, not by time.
    ...(measured.crossfit
      ? []
      : [criterion('fit-before-calibration-ms', measured.gapMs, 0, 'at least', waivers)]),
    atLeast('days', measured.days, DAYS_MIN),
    atLeast('sessions', measured.sessions, SESSIONS_MIN),
    atMost('unseen-tools', measured.unseenTools, UNSEEN_MAX),
    atMost('unseen-origins', measured.unseenOrigins, UNSEEN_MAX),
    criterion('halves-alike-p', measured.halvesP, HALVES_P_MIN, 'more than', waivers),
    atMost('lag-1', measured.lag1, LAG1_MAX),
    atMost('excluded', excluded, EXCLUDED_MAX),
    atMost('hard-evidence', measured.hardEvidence, 0),
    atLeast('source-presence', heard.length === 0 ? null : Math.min(...heard), PRESENCE_MIN),
  ];
}

/** Names of criteria that may be waived: a typing error must not pass for a waiver. */
export function waivable(): readonly string[] {
  return exitCriteria(NOTHING)
    .map(({ name }) => name)
    .filter((name) => !UNWAIVABLE.has(name));
}

/** Nothing measured yet. */
export const NOTHING: Measured = {
  fitUnits: null,
  calibrationUnits: null,
  crossfit: false,
  gapMs: null,
  days: null,
  sessions: null,
  unseenTools: null,
  unseenOrigins: null,
  halvesP: null,
  lag1: null,
  excludedUnits: null,
  allUnits: null,
  hardEvidence: null,
  presence: null,
};

function criterion(
  name: string,
  value: number | null,
  needed: number,
  bound: Criterion['bound'],
  waivers: readonly Waiver[],
): Criterion {
  const met = value !== null && Number.isFinite(value) && isWithin(value, needed, bound);
  const waiver = UNWAIVABLE.has(name) ? undefined : waivers.find((one) => one.name === name);
  return { name, value, needed, bound, met, waived: met ? null : (waiver?.why ?? null) };
}

function isWithin(value: number, needed: number, bound: Criterion['bound']): boolean {
  if (bound === 'at least') return value >= needed;
  return bound === 'at most' ? value <= needed : value > needed;
}
