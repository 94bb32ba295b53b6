/** First run: tells live what is found and done, and at the end what came of it. */
import { systemClock } from '../adapters/clock.ts';
import type { Decision } from '../model/decision.ts';
import type { Detection } from '../model/detection.ts';
import type { LaneCommit } from '../model/effects.ts';
import { short } from '../model/ids.ts';
import type { Database } from '../model/ports.ts';
import { listLeases, type StoredLease } from '../record/read.ts';
import { stateOf } from './leases.ts';
import { count, lengthOf, type Output, safe, timeOf } from './output.ts';

const WATCH_MS = 500;
const SUMMARY_MS = 20_000;
const LEASES_MAX = 1000;
/** Width of the time and of the word that says what happened. */
const INDENT = ' '.repeat(19);

/** What happened in one run of the demo. */
export interface FirstRunReport {
  readonly events: number;
  readonly detections: number;
  readonly cases: number;
  readonly leases: {
    readonly placed: number;
    /** Renewed because their cause went on. */
    readonly kept: number;
    readonly ranOut: number;
    readonly undone: number;
    /** Their time was over before they could be sent. */
    readonly lapsed: number;
    /** Still standing. */
    readonly standing: number;
  };
  /** After the start of the process, ms; null where there was none. */
  readonly firstCaseMs: number | null;
  /** The same for the first lease that the control plane accepted. */
  readonly firstLeaseMs: number | null;
}

/** Watches one run. */
export interface Teller {
  /** To be called with every commit. */
  readonly onCommit: (commit: LaneCommit) => void;
  /** Tells what becomes of each lease until the signal aborts. */
  watch(db: Database, signal: AbortSignal): Promise<void>;
  /** What happened, once it is over. */
  report(db: Database): Promise<FirstRunReport>;
}

/** Makes the teller. */
export function createTeller(
  output: Output,
  options: {
    /** When the process began, ms since 1970. */
    readonly startedMs: number;
    /** Events counted in earlier runs. */
    readonly eventsBefore: number;
    /** How a command is typed here. */
    readonly hint: (command: string) => string;
  },
): Teller {
  const { startedMs, eventsBefore, hint } = options;
  const told = { cases: new Set<string>(), placed: new Set<string>(), kept: new Set<string>() };
  let firstCaseMs: number | null = null;
  let firstLeaseMs: number | null = null;
  let summaryMs = startedMs;
  let events = 0;
  let detections = 0;
  let hinted = false;
  const sinceStart = () => Math.round(systemClock.nowMs() - startedMs);

  const onCommit = ({ effects, counters }: LaneCommit) => {
    for (const detection of effects.detections) tellDetection(output, detection);
    for (const decision of effects.decisions) {
      tellDecision(output, decision);
      const isPaused = decision.guardrails.some(
        ({ check, passed }) => check === 'kill-switch' && !passed,
      );
      if (isPaused && !hinted) {
        hinted = true;
        const resume = hint('resume --scope fleet --by you --reason demo');
        output.line(`${INDENT}it was paused by a person; to act again: ${resume}`);
      }
      if (decision.leaseId === null) continue;
      if (decision.outcome === 'act') told.placed.add(decision.leaseId);
      if (decision.outcome === 'renew') told.kept.add(decision.leaseId);
    }
    const [first] = effects.cases;
    if (first !== undefined && firstCaseMs === null) {
      firstCaseMs = sinceStart();
      output.line(`${INDENT}to look closer: ${hint(`explain ${short(first.id)}`)}`);
    }
    for (const { id } of effects.cases) told.cases.add(id);
    detections += effects.detections.length;
    events = (counters['events'] ?? 0) - eventsBefore;
    if (systemClock.nowMs() - summaryMs < SUMMARY_MS) return;
    summaryMs = systemClock.nowMs();
    output.line(
      `${INDENT}${count(events, 'event')} seen, ${count(detections, 'detection')} so far`,
    );
  };
  return {
    onCommit,
    watch: (db, signal) =>
      watchLeases(db, output, hint, signal, () => {
        firstLeaseMs ??= sinceStart();
      }),
    report: async (db) => {
      const mine = (await listLeases(db, { limit: LEASES_MAX })).filter(({ id }) =>
        told.placed.has(id),
      );
      const ended = (state: StoredLease['state'], cause: string) =>
        mine.filter((lease) => lease.state === state && lease.cause === cause).length;
      return {
        events,
        detections,
        cases: told.cases.size,
        leases: {
          placed: told.placed.size,
          kept: told.kept.size,
          ranOut: ended('expired', 'expired'),
          undone: ended('released', 'undone'),
          lapsed: mine.filter(({ state }) => state === 'lapsed').length,
          standing: mine.filter(({ state }) => state === 'requested' || state === 'accepted')
            .length,
        },
        firstCaseMs,
        firstLeaseMs,
      };
    },
  };
}

/** The report for people. */
export function reportLines(report: FirstRunReport): string[] {
  const { leases } = report;
  const ends = [
    leases.ranOut > 0 ? `${leases.ranOut} ran out by themselves` : '',
    leases.undone > 0 ? `${leases.undone} undone` : '',
    leases.standing > 0
      ? `${leases.standing} still ${leases.standing === 1 ? 'stands' : 'stand'}`
      : '',
  ].filter((text) => text !== '');
  const after = (ms: number | null) => (ms === null ? 'none' : `after ${lengthOf(ms)}`);
  const kept = leases.kept === 0 ? '' : `; ${leases.kept} kept because its cause went on`;
  return [
    `This run: ${count(report.events, 'event')}, ${count(report.detections, 'detection')}, ${count(report.cases, 'case')}, ${count(leases.placed, 'lease')}${ends.length === 0 ? '' : ` (${ends.join(', ')}${kept})`}.`,
    `First case ${after(report.firstCaseMs)}, first lease ${after(report.firstLeaseMs)} from start-up.`,
  ];
}

/** One line, at the time it is told: event times are for `explain`. */
function line(output: Output, what: string, text: string): void {
  output.line(`${timeOf(systemClock.nowMs()).slice(11, 19)}  ${what.padEnd(9)}${text}`);
}

function tellDetection(output: Output, detection: Detection): void {
  const { detector, level, entity, explanation } = detection;
  line(output, 'found', `${detector} (${level}): ${safe(entity.agent, 40)}`);
  output.line(`${INDENT}${safe(explanation, 160)}`);
}

function tellDecision(output: Output, decision: Decision): void {
  const { outcome, taken, asked, entity, leaseId, guardrails } = decision;
  const lease = short(leaseId ?? '');
  if (outcome === 'act')
    line(output, 'decided', `${taken} on ${safe(entity.agent, 40)}: lease ${lease}`);
  else if (outcome === 'renew')
    line(output, 'decided', `to keep lease ${lease}: its cause goes on`);
  else if (outcome === 'withheld') {
    const stopped = guardrails.filter(({ passed }) => !passed).map(({ check }) => check);
    line(output, 'withheld', `${asked}: ${stopped.join(', ')}`);
  }
}

async function watchLeases(
  db: Database,
  output: Output,
  hint: (command: string) => string,
  signal: AbortSignal,
  onAccepted: () => void,
): Promise<void> {
  const known = new Map<string, string>();
  let isFirst = true;
  let hinted = false;
  for (; !signal.aborted; await systemClock.sleep(WATCH_MS, signal)) {
    for (const lease of (await listLeases(db, { limit: 50 })).toReversed()) {
      const now = `${lease.state} ${lease.verification} ${lease.expiresMs ?? 0}`;
      const before = known.get(lease.id);
      known.set(lease.id, now);
      // What happened before this start is history: it is kept, not told again.
      if (isFirst || before === now || lease.state === 'requested') continue;
      const name = `${short(lease.id)} ${lease.verb}`;
      const isAccepted = lease.state === 'accepted';
      if (isAccepted) onAccepted();
      const seen = isAccepted ? `, at the gateway: ${lease.verification}` : '';
      line(
        output,
        'lease',
        `${name} ${onlyTimes(safe(stateOf(lease, systemClock.nowMs()), 200))}${seen}`,
      );
      if (hinted || !isAccepted) continue;
      hinted = true;
      const undo = hint(`leases undo ${short(lease.id)} --by you --reason demo`);
      output.line(`${INDENT}to undo it: ${undo}`);
    }
    isFirst = false;
  }
}

/** The day is clear while one watches. */
function onlyTimes(text: string): string {
  return text.replace(/\b\d{4}-\d\d-\d\d (\d\d:\d\d:\d\d)Z/g, '$1');
}
