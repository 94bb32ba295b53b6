/** Regression case: what was recorded of a judged case, as the smallest case of its detector. */
import { randomBytes } from 'node:crypto';
import { canonicalJson } from '../model/canonical-json.ts';
import type { Kind } from '../model/event.ts';
import { type Expected, type Labelled, readCase, type WrittenCase } from './case-file.ts';
import type { Written } from './case-preamble.ts';
import type { Redaction } from './case-redact.ts';
import {
  type CaseLibrary,
  type CaseOutcome,
  caseOptions,
  type Fired,
  runCase,
} from './case-run.ts';
import { shrink } from './case-shrink.ts';
import { type Recorded, writtenOf } from './case-write.ts';

/** The finding a case is made of, as the record has it. */
export interface Target {
  readonly detector: string;
  readonly agent: string;
  readonly session: string | null;
  /** Event ids of its witnesses. */
  readonly evidence: readonly string[];
}

/** What a case is to be made from. */
export interface Making {
  readonly name: string;
  readonly why: string;
  readonly target: Target;
  /** Was it judged wrong? Then the case is to be silent where it fired. */
  readonly isFalse: boolean;
  /** Findings of the same case that were judged wrong. */
  readonly wrong: readonly Target[];
  readonly own: readonly Recorded[];
  readonly others: readonly Recorded[];
  /** Keep names and content as they were recorded. */
  readonly content: boolean;
}

/** A case that can be written. */
export interface Made {
  readonly written: WrittenCase;
  /** Does the detector do today what the case expects of it? */
  readonly passes: boolean;
  /** What fired in it, when it was run as it is written. */
  readonly outcome: CaseOutcome;
  /** Events it was made from, and how often the core was asked. */
  readonly from: number;
  readonly asked: number;
  /** False: there may be a smaller one. */
  readonly isLeast: boolean;
}

/** Nothing of it fires any more: why, and for a false alarm that may be what was wished for. */
export interface NotMade {
  readonly fired: readonly Fired[];
  readonly from: number;
}

const ASKED_MAX = 3000;
const BEFORE_MS = 300_000;
const AFTER_MS = 29 * 60_000;
/** Names of the preamble: recorded ones must not meet them. */
const TAKEN = new Set(['agent-1', 'agent-2', 's-1', 's-2']);

/** A book, and the options of a run without it. */
type Withheld = readonly [Kind, ReturnType<typeof caseOptions>];

/** What every attempt at a case shares. */
interface Plan {
  readonly setup: 'fleet' | 'bare';
  readonly given: readonly Written[];
}

/**
 * Looks for the fewest recorded events with which the finding still comes, and nothing that did not come
 * with all of them. First in the small fleet of the preamble, which proves that the books are open, else
 * with what others did meanwhile. Where nothing comes, a false alarm becomes a case of all its events.
 */
export function makeCase(making: Making, library: CaseLibrary): Made | NotMade {
  const options = caseOptions(library);
  const needs = library.detectors.find(({ stem }) => stem === making.target.detector)?.needs;
  const withheld = (needs?.sources ?? []).map(
    (kind): Withheld => [kind, caseOptions(library, kind)],
  );
  const redaction = making.content ? null : redactionOf(making);
  const all = inTime([...making.own, ...making.others]);
  const near = inTime([...making.own, ...making.others.filter(fitsPreamble(baseOf(making)))]);
  const labels = labelsOf(all);
  const wanted = keyOf(targetAs(making.target, labels, redaction));
  const inForm = (setup: Plan['setup'], events: readonly Recorded[]) =>
    planOf(making, setup, events, labels, redaction);
  const plans = [inForm('fleet', inTime(making.own)), inForm('fleet', near), inForm('bare', all)];
  let last: { plan: Plan; outcome: CaseOutcome } | null = null;
  for (const plan of plans) {
    if (plan === null) continue;
    const run = (given: readonly Written[]) =>
      runCase(eventsOf(making, plan.setup, given), options);
    const outcome = run(plan.given);
    last ??= { plan, outcome };
    const known = new Set(outcome.fired.map(keyOf));
    if (outcome.unreadable.length > 0 || !known.has(wanted)) continue;
    const owns = ([kind, without]: Withheld, some: readonly Written[]) => {
      const heard = eventsOf(making, plan.setup, some).filter(({ event }) => event.kind !== kind);
      return runCase(heard, without).saidAnything;
    };
    // Without a book that it needs it is not to fall silent: as all of the events are, so the fewest.
    const owned = withheld.filter((one) => owns(one, plan.given));
    const holds = (some: readonly Written[]) => {
      const { fired, unreadable } = run(some);
      const keys = fired.map(keyOf);
      const isSame = keys.includes(wanted) && keys.every((key) => known.has(key));
      return isSame && unreadable.length === 0 && owned.every((one) => owns(one, some));
    };
    const { kept, asked, isLeast } = shrink(plan.given, holds, ASKED_MAX);
    const made = { plan: { ...plan, given: kept }, outcome: run(kept) };
    const result = written(making, made.plan, made.outcome, labels, redaction);
    return { ...checked(result, making, options), from: plan.given.length, asked, isLeast };
  }
  const { plan, outcome } = last as NonNullable<typeof last>;
  if (!making.isFalse || outcome.unreadable.length > 0)
    return { fired: outcome.fired, from: plan.given.length };
  const result = written(making, plan, outcome, labels, redaction);
  return { ...checked(result, making, options), from: plan.given.length, asked: 1, isLeast: false };
}

/** By what events are called while a case is made; the first of those with one id stands for it. */
interface Labels {
  readonly of: ReadonlyMap<Recorded, string>;
  readonly byId: ReadonlyMap<string, string>;
  /** Ids that several records bear. */
  readonly repeated: ReadonlySet<string>;
}

function labelsOf(events: readonly Recorded[]): Labels {
  const of = new Map<Recorded, string>();
  const byId = new Map<string, string>();
  const repeated = new Set<string>();
  for (const one of events) {
    const label = `e${of.size + 1}`;
    of.set(one, label);
    if (byId.has(one.id)) repeated.add(one.id);
    else byId.set(one.id, label);
  }
  return { of, byId, repeated };
}

/** In the order of time; a record that came twice, once. */
function inTime(events: readonly Recorded[]): readonly Recorded[] {
  const seen = new Set<string>();
  const once = events.filter(({ id, event }) => {
    const key = `${id} ${event.contentHash}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
  return once.sort((a, b) => a.ms - b.ms);
}

/** Runs it as it will be read again: that it passes is seen, not inferred. */
function checked(
  one: WrittenCase,
  { name }: Making,
  options: ReturnType<typeof caseOptions>,
): Pick<Made, 'written' | 'passes' | 'outcome'> {
  const outcome = runCase(readCase(name, one).events, options);
  const said = (list: readonly Expected[]) => list.map((each) => canonicalJson(cut(each))).sort();
  const passes = canonicalJson(said(outcome.fired)) === canonicalJson(said(one.expect));
  return { written: one, passes: passes && outcome.unreadable.length === 0, outcome };
}

const cut = ({ detector, agent, session, evidence }: Expected) => ({
  ...{ detector, agent, session },
  evidence: [...(evidence ?? [])].sort(),
});

function keyOf(one: Pick<Fired, 'detector' | 'agent' | 'session' | 'evidence'>): string {
  return canonicalJson(cut(one));
}

function eventsOf(
  { name, why }: Making,
  setup: Plan['setup'],
  given: readonly Written[],
): readonly Labelled[] {
  return readCase(name, { name, why, setup, given, expect: [] }).events;
}

function targetAs(
  { detector, agent, session, evidence }: Target,
  labels: Labels,
  redaction: Redaction | null,
): Pick<Fired, 'detector' | 'agent' | 'session' | 'evidence'> {
  const named = (name: string) => redaction?.names.get(name) ?? name;
  return {
    detector,
    agent: named(agent),
    session: session === null ? null : named(session),
    evidence: evidence.map((id) => labels.byId.get(id) ?? 'gone').sort(),
  };
}

/** Other names for agents and sessions, in the order in which they appear; a key nobody keeps. */
function redactionOf({ own, others }: Making): Redaction {
  const names = new Map<string, string>();
  const name = (what: string, prefix: string, counted: { n: number }) => {
    if (names.has(what)) return;
    counted.n += 1;
    names.set(what, `${prefix}-${counted.n}`);
  };
  const [agents, sessions, tenants, calls] = [{ n: 0 }, { n: 0 }, { n: 0 }, { n: 0 }];
  for (const { event } of [...own, ...others]) {
    if (event.agent !== undefined) name(event.agent.id, 'recorded', agents);
    if (event.session !== undefined) name(event.session.id, 'run', sessions);
    if (event.tenant !== undefined) name(event.tenant, 'tenant', tenants);
    const { intents = [], claims = [] } = event.reasoning ?? {};
    for (const { toolCallId } of [...intents, ...claims, event.keys ?? {}])
      if (toolCallId !== undefined) name(toolCallId, 'call', calls);
  }
  return { names, key: randomBytes(32) };
}

function baseOf({ own, target }: Making): number {
  const { session } = target;
  const first = own.find(
    ({ event }) => event.session !== undefined && event.session.id === session,
  );
  return (first ?? own[0])?.ms ?? 0;
}

/**
 * The events in the form of a test file. Within the preamble what was said long before is said just
 * before, in the same order; null where the preamble has no room for them.
 */
function planOf(
  making: Making,
  setup: Plan['setup'],
  events: readonly Recorded[],
  labels: Labels,
  redaction: Redaction | null,
): Plan | null {
  const baseMs = baseOf(making);
  if (setup === 'fleet' && !meetsPreamble(events, baseMs, redaction)) return null;
  const given = events.map((one, at) => {
    const afterMs = one.ms - baseMs;
    const atMs = setup === 'fleet' ? Math.max(afterMs, at - BEFORE_MS) : afterMs;
    const label = labels.of.get(one) ?? '';
    return writtenOf(one, { label, atMs, baseMs, keepsId: labels.repeated.has(one.id) }, redaction);
  });
  return { setup, given };
}

/** Does it lie between what the preamble does before and after a case? */
function fitsPreamble(baseMs: number): (one: Recorded) => boolean {
  return ({ ms }) => ms >= baseMs - BEFORE_MS && ms <= baseMs + AFTER_MS;
}

function meetsPreamble(
  events: readonly Recorded[],
  baseMs: number,
  redaction: Redaction | null,
): boolean {
  if ((events.at(-1)?.ms ?? baseMs) - baseMs > AFTER_MS) return false;
  const isTaken = ({ event }: Recorded) =>
    TAKEN.has(event.agent?.id ?? '') || TAKEN.has(event.session?.id ?? '');
  return redaction !== null || !events.some(isTaken);
}

/** The case as it stands in a file: labels only where an expectation calls them. */
function written(
  making: Making,
  { setup, given }: Plan,
  { fired }: CaseOutcome,
  labels: Labels,
  redaction: Redaction | null,
): WrittenCase {
  const wrong = new Set(
    [...making.wrong, ...(making.isFalse ? [making.target] : [])].map((one) =>
      keyOf(targetAs(one, labels, redaction)),
    ),
  );
  const right = fired.filter((one) => !wrong.has(keyOf(one)));
  const called = new Set(right.flatMap(({ evidence }) => evidence));
  const names = new Map<string, string>();
  const lean = given.map(({ label, ...rest }) => {
    if (!called.has(String(label))) return rest;
    names.set(String(label), `evidence-${names.size + 1}`);
    const { at, ...more } = rest;
    return { at, label: names.get(String(label)), ...more };
  });
  const expect = right.map(({ detector, agent, session, evidence }) => ({
    ...{ detector, agent, session },
    evidence: evidence.map((label) => names.get(label) ?? label),
  }));
  const { name, why } = making;
  return { name, why, ...(setup === 'bare' ? { setup } : {}), given: lean, expect };
}
