/** Adoption figures: what the next mode of a role asks for, and what of it is missing. */
import type { ControlPlan } from '../decide/chain.ts';
import { MODES, type Mode, type Rung, type Verb } from '../model/decision.ts';
import { allowsMode, VERB_NEEDS } from '../model/power.ts';
import type { DriverRecord, RoleExposure, RungCase } from '../record/adoption.ts';
import type { Budget, RungPlan } from '../score/budget.ts';

/** One thing a step needs. */
export interface Need {
  readonly need:
    | 'observed'
    | 'budget'
    | 'judged'
    | 'driver'
    | 'conformance'
    | 'verified'
    | 'undo'
    | 'approval';
  /** What it is about: a rung or a driver; empty where there is only one. */
  readonly of: string;
  readonly isMet: boolean;
  /** The figure, in words. */
  readonly figure: string;
  /** What to do about it; null where it is met. */
  readonly missing: string | null;
}

/** A role and its next step. */
export interface Adoption {
  readonly role: string;
  readonly mode: Mode;
  /** Null: it is autonomous. */
  readonly next: Mode | null;
  readonly days: number;
  readonly agents: number;
  readonly sessions: number;
  readonly needs: readonly Need[];
  /** Is nothing missing? It is said, never done: the step is an edit of a person. */
  readonly isReady: boolean;
  /** Cases in which something would have been done, were the role autonomous; newest first. */
  readonly wouldHaveActed: readonly RungCase[];
}

/** What it is worked out from. */
export interface AdoptionInput {
  readonly role: string;
  readonly mode: Mode;
  /** Null: the role did nothing in the time looked at. */
  readonly exposure: RoleExposure | null;
  /** Of this role. */
  readonly cases: readonly RungCase[];
  readonly drivers: readonly DriverRecord[];
  readonly plan: ControlPlan;
  readonly budgets: readonly Pick<RungPlan, 'rung' | 'budget'>[];
}

/** Fewer days show a week, and no second one to compare it with. */
export const DAYS_MIN = 14;
/** Share of requests that a driver must take, and of accepted ones that must be verified. */
export const SHARE_MIN = 0.99;

/** The next mode of a role, and each need of it with its figure. */
export function adoptionOf(input: AdoptionInput): Adoption {
  const { role, mode, exposure, cases } = input;
  const next = MODES[MODES.indexOf(mode) + 1] ?? null;
  const needs = next === null ? [] : needsOf(input, next);
  return {
    ...{ role, mode, next, needs },
    days: exposure?.days ?? 0,
    agents: exposure?.agents ?? 0,
    sessions: exposure?.sessions ?? 0,
    isReady: next !== null && needs.every(({ isMet }) => isMet),
    wouldHaveActed: cases.filter(({ rung }) => rung !== 'alert'),
  };
}

function needsOf(input: AdoptionInput, next: Mode): Need[] {
  const { exposure, cases, budgets } = input;
  const days = exposure?.days ?? 0;
  const rungs = budgets.map(({ rung }) => rung).filter((rung) => concerns(next, rung));
  const needs = [
    need(
      'observed',
      '',
      days >= DAYS_MIN,
      `${days} of at least ${DAYS_MIN} days`,
      'observe for longer',
    ),
    ...budgets.filter(({ rung }) => rungs.includes(rung)).map((one) => budgetNeed(one, input)),
    judgedNeed(cases.filter(({ rung }) => rung !== 'alert' && rungs.includes(rung))),
  ];
  const verbs = rungs.filter((rung): rung is Verb => rung !== 'alert' && rung !== 'observe');
  // In advise people apply what is planned: nothing is sent that a driver would have to keep.
  return next === 'advise' ? needs : [...needs, ...controlNeeds(input, verbs)];
}

/** Does the next mode let this rung happen? What people are told concerns every one of them. */
function concerns(next: Mode, rung: Rung): boolean {
  if (rung === 'observe' || rung === 'alert') return rung === 'alert';
  // What advise shows is what an autonomous role would have done.
  return next === 'advise' || allowsMode(next, rung);
}

/** Whatever nobody confirmed counts as needless: until somebody says otherwise, so it does everywhere. */
function budgetNeed(
  { rung, budget }: Pick<RungPlan, 'rung' | 'budget'>,
  input: AdoptionInput,
): Need {
  const own = input.cases.filter((one) => one.rung === rung);
  const wrong = own.filter(({ verdict }) => verdict === 'false_positive').length;
  const open = own.filter(({ verdict }) => verdict === null).length;
  const allowed = allowedBy(budget, input.exposure);
  const realised = wrong + open;
  const figure = `${realised} needless of at most ${allowed.toFixed(1)} declared (${budget.words}): ${wrong} judged wrong, ${open} judged by nobody`;
  const todo = wrong > allowed ? 'tune or exempt what was wrong' : `judge ${open} of its cases`;
  return need('budget', rung, realised <= allowed, figure, todo);
}

function allowedBy({ count, scope, per }: Budget, exposure: RoleExposure | null): number {
  if (exposure === null) return 0;
  const amounts = { agent: exposure.agentDays, fleet: exposure.days, unit: exposure.sessions };
  return (count * amounts[scope]) / per;
}

function judgedNeed(acts: readonly RungCase[]): Need {
  const open = acts.filter(({ verdict }) => verdict === null).length;
  const figure = `${acts.length} would have led to action, ${acts.length - open} of them judged`;
  return need(
    'judged',
    '',
    open === 0,
    figure,
    `judge the other ${open}: plumbline verdict CASE …`,
  );
}

function controlNeeds({ plan, drivers }: AdoptionInput, verbs: readonly Verb[]): Need[] {
  const chains = verbs.map((verb) => [verb, plan.chains.get(verb) ?? []] as const);
  const needs = chains.map(([verb, chain]) =>
    need(
      'driver',
      verb,
      chain.length > 0,
      chain.join(', ') || 'none',
      `configure a driver that can ${verb}`,
    ),
  );
  const irreversible = verbs.filter(
    (verb) => !VERB_NEEDS[verb].reversible && plan.chains.has(verb),
  );
  for (const verb of irreversible) {
    const quorum = plan.approvals.get(verb)?.quorum ?? 0;
    const figure = quorum > 0 ? `${quorum} must agree` : 'nobody is named who could agree';
    needs.push(
      need(
        'approval',
        verb,
        quorum > 0,
        figure,
        'name approvers: control.approval and control.approvers',
      ),
    );
  }
  for (const driver of [...new Set(chains.flatMap(([, chain]) => chain))].sort())
    needs.push(...driverNeeds(driver, drivers.find((one) => one.driver === driver) ?? null));
  return needs;
}

function driverNeeds(driver: string, record: DriverRecord | null): Need[] {
  const { sent = 0, accepted = 0, verified = 0, leaking = 0, unverified = 0 } = record ?? {};
  const { undone = 0, undoFailed = 0 } = record ?? {};
  const told = verified + leaking + unverified;
  const isUndone = undone > 0 && undoFailed === 0;
  const again = 'let it act on a role made for trying, and look again';
  return [
    need(
      'conformance',
      driver,
      isEnough(accepted, sent),
      `accepted ${accepted} of ${sent} sent`,
      again,
    ),
    need(
      'verified',
      driver,
      isEnough(verified, told),
      `verified ${verified} of ${told} at the gateway: ${leaking} leaked, ${unverified} could not be told`,
      again,
    ),
    need(
      'undo',
      driver,
      isUndone,
      `${undone} taken back and confirmed, ${undoFailed} failed`,
      undoFailed > 0
        ? 'find out why an undo failed'
        : 'undo a lease of it once: plumbline leases undo',
    ),
  ];
}

function isEnough(part: number, whole: number): boolean {
  return whole > 0 && part / whole >= SHARE_MIN;
}

function need(
  what: Need['need'],
  of: string,
  isMet: boolean,
  figure: string,
  missing: string,
): Need {
  return { need: what, of, isMet, figure, missing: isMet ? null : missing };
}
