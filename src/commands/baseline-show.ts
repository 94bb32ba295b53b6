/** Baseline, shown: what is in force, what waits for review, and wherein they differ. */
import { systemClock } from '../adapters/clock.ts';
import { REGISTRY } from '../baseline/dimensions.ts';
import type { ProposalEvidence } from '../baseline/proposal.ts';
import { review } from '../baseline/review.ts';
import type { Database } from '../model/ports.ts';
import {
  listVersions,
  readVersion,
  type StoredVersion,
  versionByHash,
  versionInForce,
} from '../record/baselines.ts';
import { listWindows } from '../record/windows.ts';
import { type Given, usage } from './arguments.ts';
import { hashShort, profileOf, refused } from './baseline-acts.ts';
import { driftOf, reviewOf } from './baseline-drift.ts';
import { exportVersion } from './baseline-files.ts';
import { scopeOf, versionOf, wholeVersion } from './baseline-given.ts';
import { diffText, nextSteps, reviewText } from './baseline-text.ts';
import type { CommandContext } from './command.ts';
import { safe, table, timeOf, typed } from './output.ts';
import { baselineAges } from './window-acts.ts';

const DAY_MS = 86_400_000;
const LIST_MAX = 10_000;
const HEAD = ['SUBJECT', 'VERSION', 'STATE', 'SINCE', 'AGE', 'TRUST', 'APPROVED BY'];

/** `status`: versions in force and proposed, or with --all all there were; how old, how trusted. */
export async function status(
  db: Database,
  given: Given,
  { output }: CommandContext,
  word: string | undefined,
): Promise<0> {
  const scope = scopeOf(given, word);
  const states = given.has('all') ? {} : { states: ['promoted', 'proposed'] as const };
  const versions = await listVersions(db, {
    ...states,
    ...(scope === null ? {} : { scope }),
    limit: LIST_MAX,
  });
  const ages = await baselineAges(db, systemClock.nowMs());
  const windows = await listWindows(db, { open: true, limit: LIST_MAX });
  output.json({ versions: versions.map(listedVersion), ages, windows });
  if (versions.length === 0) {
    output.line('No baseline so far: detectors of hard evidence work without one.');
    output.line(
      `Learn one from a folder of sessions: ${typed('baseline learn --fleet --from DIR --by YOU --reason WHY')}`,
    );
    output.line(
      `Take one from a reviewed file: ${typed('baseline import FILE --by YOU --reason WHY')}`,
    );
    return 0;
  }
  const rows = versions.map((one) => {
    const age = ages.find(({ hash }) => hash === one.hash);
    return [
      `${one.level} ${safe(one.subject, 60)}`,
      hashShort(one.hash),
      one.state === 'promoted' ? 'in force' : one.state,
      timeOf(one.inForceMs ?? one.proposedMs),
      age === undefined ? '-' : `${Math.floor(age.ageMs / DAY_MS)} d`,
      age === undefined ? '-' : String(Math.round(age.trust * 100) / 100),
      one.approvedBy.map((who) => safe(who, 40)).join(', ') || '-',
    ];
  });
  for (const row of table([HEAD, ...rows])) output.line(row);
  const waiting = versions.find(({ state }) => state === 'proposed');
  if (waiting !== undefined)
    output.line(`\nWaits for a person: ${typed(`baseline review ${hashShort(waiting.hash)}`)}`);
  if (ages.some(({ trust }) => trust < 1))
    output.line(
      `\nTrust below 1: not revalidated for 30 days, so its evidence weakens: ${typed('baseline revalidate ROLE --by YOU --reason WHY')}`,
    );
  return 0;
}

/** Without what only the review shows. */
function listedVersion(version: StoredVersion): Omit<StoredVersion, 'evidence'> {
  const { evidence: _, ...rest } = version;
  return rest;
}

/** `review`: the report on one proposal, and what may be done with it. */
export async function showReview(
  db: Database,
  given: Given,
  { output }: CommandContext,
  word: string | undefined,
): Promise<0> {
  const version = await versionOf(db, given, word, 'proposed');
  const { report, window } = await reviewOf(db, REGISTRY, version);
  output.json({ report, window });
  for (const line of reviewText(report, window)) output.line(line);
  for (const line of nextSteps(report, window)) output.line(line);
  return 0;
}

/** `diff`: wherein a version differs from another, or from what it would replace. */
export async function diff(
  db: Database,
  given: Given,
  { output }: CommandContext,
  word: string | undefined,
): Promise<0> {
  const next = given.words[2];
  if (word === undefined)
    throw usage('diff OLD NEW compares two versions; diff ROLE what waits with what is in force');
  const newer = await versionOf(db, given, next ?? word, 'proposed');
  const olderHash = next === undefined ? newer.replaces : (await readVersion(db, word)).hash;
  const previous = await profileOf(db, olderHash);
  const proposed = await profileOf(db, newer.hash);
  if (proposed === null) throw refused(`the document of ${hashShort(newer.hash)} is not stored`);
  const before = olderHash === null ? null : await versionByHash(db, olderHash);
  const { ledger } = await driftOf(db.query, REGISTRY, proposed, newer.hash, before);
  const report = review({
    ...{ proposed, proposedHash: newer.hash, previous, previousHash: olderHash },
    registry: REGISTRY,
    criteria: [],
    ledger,
    evidence: newer.evidence as ProposalEvidence,
  });
  const { level, subject, dimensions, quantiles, origins } = report;
  output.json({
    ...{ level, subject, old: olderHash, new: newer.hash },
    ...{ dimensions, quantiles, origins, ledger },
  });
  for (const line of diffText(report)) output.line(line);
  return 0;
}

/** `export`: writes what is in force to files that people review. */
export async function exportAll(
  db: Database,
  given: Given,
  { output }: CommandContext,
  word: string | undefined,
): Promise<0 | 1> {
  const scope = scopeOf(given, word);
  const one = scope === null ? null : await versionInForce(db, scope);
  if (scope !== null && one === null)
    throw refused(`nothing is in force for ${scope.level} ${scope.subject}`);
  const listed =
    one === null ? await listVersions(db, { states: ['promoted'], limit: LIST_MAX }) : [one];
  const written = [];
  for (const { hash } of listed) {
    const version = await wholeVersion(db, hash);
    written.push(await exportVersion(db, REGISTRY, version, given.value('dir') ?? 'baselines'));
  }
  output.json(written);
  if (written.length === 0) output.line('Nothing is in force, so there is nothing to export.');
  for (const { files } of written) for (const file of files) output.line(file);
  return 0;
}
