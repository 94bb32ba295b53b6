/** `explain`: a case in plain language: witnesses, what was ruled out, what was done. */
import { systemClock } from '../adapters/clock.ts';
import type { Case, Decision, Fold, Verdict } from '../model/decision.ts';
import type { CoverageGap } from '../model/detection.ts';
import { short } from '../model/ids.ts';
import { type CaseFile, readCase, type StoredDetection, type StoredLease } from '../record/read.ts';
import { usage } from './arguments.ts';
import { stateOf } from './cases.ts';
import { chainText } from './chain-text.ts';
import type { Command } from './command.ts';
import { isStanding, stateOf as leaseStateOf } from './leases.ts';
import { count, lengthOf, safe, timeOf, typed } from './output.ts';
import { withStore } from './reading.ts';

const VERDICTS = {
  'ruled-out': 'ruled out',
  holds: 'holds',
  'cannot-tell': 'cannot tell',
} as const;
const DAY_MS = 86_400_000;

/** The command. */
export const explain: Command = {
  name: 'explain',
  synopsis: 'explain CASE',
  summary: 'tell one case in plain language: witnesses, what was ruled out, what was done',
  options: {},
  words: 1,
  run: async (given, { output, environment }) => {
    const [prefix] = given.words;
    if (prefix === undefined)
      throw usage(`name a case by the first characters of its id; ${typed('cases')} lists them`);
    const file = await withStore(given, environment, (db) => readCase(db, prefix));
    output.json(file);
    for (const line of caseText(file)) output.line(line);
    return 0;
  },
};

/** The case as lines. Every text that came from outside is escaped. */
export function caseText(file: CaseFile): string[] {
  const { case: one, open } = file;
  const { agent, role, session } = one.entity;
  const who = `agent ${safe(agent)}${role === null ? '' : ` (role ${safe(role)})`}`;
  const where = session === null ? '' : `, session ${safe(session)}`;
  return [
    `Case ${short(one.id)} · ${one.level} · ${stateOf({ case: one, open })}`,
    `${who}${where}`,
    `${timeOf(one.openedMs)} to ${timeOf(one.lastMs)}, ${count(one.count, 'detection')}${historyOf(one)}`,
    ...foldText(one.folds),
    '',
    ...chainText(file.chain),
    ...file.detections.flatMap((detection, at) => detectionText(detection, at + 1)),
    ...file.decisions.flatMap(decisionText),
    ...file.leases.flatMap(leaseText),
    ...verdictText(file.verdicts),
    ...coverageText(file.coverage),
  ];
}

function historyOf({ reopened, foldedInto, risk }: Case): string {
  const back = reopened === 0 ? '' : `, came back ${count(reopened, 'time')}`;
  const into = foldedInto === null ? '' : `, told by fleet case ${short(foldedInto)}`;
  return `${back}${into}, risk ${risk}`;
}

/** What repeated, counted; what fired once is told below. */
function foldText(folds: readonly Fold[]): string[] {
  return folds
    .filter(({ count: times }) => times > 1)
    .map(
      ({ detector, agent, count: times, firstSeenMs, lastSeenMs, evidenceTotal }) =>
        `  ${detector} for ${safe(agent)} ×${times}, ${timeOf(firstSeenMs)} to ${timeOf(lastSeenMs)}, ${count(evidenceTotal, 'record')}`,
    );
}

function verdictText(verdicts: readonly Verdict[]): string[] {
  return verdicts.map(
    ({ detector, detectionId, verdict, by, note }) =>
      `Verdict on ${detector} (${short(detectionId)}): ${verdict.replaceAll('_', ' ')} by ${safe(by)}: ${safe(note, 300)}`,
  );
}

function detectionText(
  { detection, retracted, retractedReason }: StoredDetection,
  n: number,
): string[] {
  const lines = [
    `${n}. ${detection.detector} · ${detection.level} · ${detection.evidenceClass} evidence, ${detection.strength} join`,
    `   ${safe(detection.explanation, 1000)}`,
  ];
  for (const witness of detection.witnesses) {
    const { topic, partition, offset } = witness.position;
    const seq = witness.seq === null ? '' : `, seq ${witness.seq}`;
    lines.push(
      `   - ${witness.kind} at ${timeOf(witness.timeMs)} (${safe(topic)}/${partition}@${offset}${seq}): ${safe(witness.says)}`,
    );
  }
  lines.push(`   It would have been ${safe(detection.counterfactual, 500)}.`);
  lines.push(
    `   Decided at event time ${timeOf(detection.decidedMs)} by version ${detection.version}.`,
  );
  if (detection.blind.length > 0)
    lines.push(
      `   Part of the picture was missing: ${detection.blind.join(', ')} could not be heard.`,
    );
  if (detection.late) lines.push('   It rests on a record that came late.');
  if (retracted) lines.push(`   Taken back: ${safe(retractedReason ?? 'no reason recorded')}.`);
  return [...lines, ''];
}

function decisionText(decision: Decision): string[] {
  const lines = [
    `Decision ${short(decision.id)}: asked ${decision.asked}, taken ${decision.taken} (${decision.outcome}, mode ${decision.mode})`,
  ];
  for (const { explanation, verdict, data } of decision.falsification)
    lines.push(
      `   ${VERDICTS[verdict].padEnd(12)} ${explanation.replaceAll('-', ' ')}: ${safe(data)}`,
    );
  for (const { check, passed, data } of decision.guardrails)
    if (!passed) lines.push(`   stopped by   ${check.replaceAll('-', ' ')}: ${safe(data)}`);
  if (decision.outcome === 'record' && decision.wouldAct)
    lines.push('   It would have acted, were the role autonomous.');
  return [...lines, ''];
}

function leaseText(lease: StoredLease): string[] {
  const { subject, acceptedMs, issuedMs } = lease;
  const tools =
    subject.tools.length === 0 ? '' : ` on ${subject.tools.map((tool) => safe(tool)).join(', ')}`;
  const scope = subject.session === null ? 'the agent' : 'the session';
  const lines = [
    `Lease ${short(lease.id)}: ${lease.verb}${tools} for ${scope}: ${safe(leaseStateOf(lease, systemClock.nowMs()), 300)}`,
    `   At the gateway: ${lease.verification}${basisOf(lease)}; ${count(lease.leakedCalls, 'call')} leaked, ${lease.latencyCalls} more while it took effect.`,
  ];
  if (acceptedMs !== null && acceptedMs >= issuedMs && acceptedMs - issuedMs < DAY_MS)
    lines.push(`   Accepted ${lengthOf(acceptedMs - issuedMs)} after the time of the decision.`);
  if (lease.lastDetail !== null) lines.push(`   Control said: ${safe(lease.lastDetail)}`);
  if (isStanding(lease))
    lines.push(`   Undo: ${typed(`leases undo ${short(lease.id)} --by YOU --reason WHY`)}`);
  return [...lines, ''];
}

/** What the verdict rests on, in words. */
function basisOf({ verification, verifiedBy }: StoredLease): string {
  if (verification !== 'verified') return '';
  if (verifiedBy === 'denial') return ' (a call was refused by it)';
  return verifiedBy === 'quiet' ? ' (no call of its subject went through)' : '';
}

function coverageText(coverage: readonly CoverageGap[]): string[] {
  if (coverage.length === 0) return ['All four books were heard throughout.'];
  return coverage.map(
    (gap) =>
      `Blind: ${safe(gap.source)} from ${timeOf(gap.fromMs)} to ${gap.toMs === null ? 'now' : timeOf(gap.toMs)}: ${safe(gap.reason)}`,
  );
}
