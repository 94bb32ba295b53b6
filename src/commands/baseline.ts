/** `baseline`: what is in force, what waits for review, and every act that changes it. */
import { systemClock } from '../adapters/clock.ts';
import { type Waiver, waivable } from '../baseline/criteria.ts';
import { DIMENSIONS } from '../baseline/dimensions.ts';
import type { ProposalEvidence, Registry } from '../baseline/proposal.ts';
import { review } from '../baseline/review.ts';
import { isSame } from '../baseline/window.ts';
import type { Database } from '../model/ports.ts';
import type { WindowScope } from '../model/window.ts';
import {
  listVersions,
  lockSubject,
  readVersion,
  revalidateVersion,
  type StoredVersion,
  versionByHash,
  versionInForce,
} from '../record/baselines.ts';
import { eventNowMs, listWindows } from '../record/windows.ts';
import { type Given, usage } from './arguments.ts';
import { signed } from './asking.ts';
import {
  approveProposal,
  hashShort,
  type Outcome,
  profileOf,
  refused,
  rejectProposal,
  rollBack,
  type Signature,
} from './baseline-acts.ts';
import { driftOf, reviewOf } from './baseline-drift.ts';
import { exportVersion, readBaseline, readProposalFile } from './baseline-files.ts';
import { learnFolderAndPropose } from './baseline-from.ts';
import { importBaseline } from './baseline-import.ts';
import { proposeProfile } from './baseline-propose.ts';
import { diffText, nextSteps, reviewText } from './baseline-text.ts';
import type { Command, CommandContext } from './command.ts';
import { libraryOf } from './inputs.ts';
import { count, safe, table, timeOf, typed } from './output.ts';
import { withStore } from './reading.ts';
import { baselineAges } from './window-acts.ts';

/** Dimensions by name. */
export const REGISTRY: Registry = new Map(DIMENSIONS.map((one) => [one.name, one]));

const DAY_MS = 86_400_000;
const LIST_MAX = 10_000;
/** An approval binds to content: so much of its hash is no accident. */
const HASH_DIGITS_MIN = 8;
const HEAD = ['SUBJECT', 'VERSION', 'STATE', 'SINCE', 'AGE', 'TRUST', 'APPROVED BY'];

type Verb = (
  db: Database,
  given: Given,
  context: CommandContext,
  word: string | undefined,
) => Promise<0 | 1>;

const VERBS: Readonly<Record<string, Verb>> = {
  status,
  review: showReview,
  diff,
  learn,
  propose,
  approve,
  reject,
  revalidate,
  rollback,
  export: exportAll,
  import: importFile,
};

/** The command. */
export const baseline: Command = {
  name: 'baseline',
  synopsis: `baseline [${Object.keys(VERBS).join('|')}] [ROLE|HASH|FILE] [HASH] …`,
  summary: 'review, promote, roll back, export and import what is normal for each role',
  options: {
    agent: 'value',
    fleet: 'flag',
    all: 'flag',
    by: 'value',
    reason: 'value',
    full: 'flag',
    to: 'value',
    window: 'value',
    waive: 'value',
    dir: 'value',
    from: 'value',
    detectors: 'value',
  },
  words: 3,
  run: async (given, context) => {
    const [name = 'status', word] = given.words;
    const verb = Object.hasOwn(VERBS, name) ? VERBS[name] : undefined;
    if (verb === undefined)
      throw usage(
        `no such verb: ${JSON.stringify(name)}; there are ${Object.keys(VERBS).join(', ')}`,
      );
    return await withStore(given, context.environment, (db) => verb(db, given, context, word));
  },
};

/** Whose baseline is meant: a role by name, or --agent ID, or --fleet. Null: nobody was named. */
export function scopeOf(given: Given, role: string | undefined): WindowScope | null {
  const agent = given.value('agent');
  const named = [role, agent, given.has('fleet') ? '*' : undefined].filter(
    (one) => one !== undefined,
  );
  if (named.length > 1) throw usage('name one of: a role, --agent ID, --fleet');
  if (agent !== undefined) return { level: 'agent', subject: agent };
  if (given.has('fleet')) return { level: 'fleet', subject: '*' };
  return role === undefined ? null : { level: 'role', subject: role };
}

/** Who gave the command, now. */
export function signature(given: Given): Signature {
  return { ...signed(given), clockMs: systemClock.nowMs() };
}

async function status(
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

async function showReview(
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

/** The version a word means: the beginning of a hash, or the one of a role in this state. */
async function versionOf(
  db: Database,
  given: Given,
  word: string | undefined,
  state: 'proposed' | 'promoted',
): Promise<StoredVersion> {
  const scope = scopeOf(given, word);
  if (scope === null) throw usage('name a version by the first characters of its hash, or a role');
  const found = await listVersions(db, { states: [state], scope, limit: 2 });
  const [only] = found;
  if (only !== undefined && found.length === 1) return await wholeVersion(db, only.hash);
  if (found.length > 1)
    throw refused(
      `several wait for ${scope.subject}: ${found.map(({ hash }) => hashShort(hash)).join(', ')}, …; name one`,
    );
  return await readVersion(db, word ?? scope.subject);
}

/** A version with its evidence, which lists leave out. */
async function wholeVersion(db: Database, hash: string): Promise<StoredVersion> {
  return (await versionByHash(db, hash)) ?? (await readVersion(db, hash));
}

async function diff(
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

async function propose(
  db: Database,
  given: Given,
  { output }: CommandContext,
  file: string | undefined,
): Promise<0> {
  if (file === undefined) throw usage('propose takes a profile as JSON: propose FILE');
  const by = signature(given);
  const read = await readProposalFile(file, REGISTRY);
  const outcome = await proposeProfile(
    db,
    REGISTRY,
    { ...read, waivers: waiversOf(given, by), window: given.value('window') ?? null },
    by,
  );
  sayOutcome(outcome, output);
  return 0;
}

async function learn(
  db: Database,
  given: Given,
  { output }: CommandContext,
  role: string | undefined,
): Promise<0 | 1> {
  const dir = given.value('from');
  if (dir === undefined) throw usage('learn takes a folder of records: learn [ROLE] --from DIR');
  const by = signature(given);
  const folder = {
    dir,
    scope: scopeOf(given, role) ?? { level: 'fleet' as const, subject: '*' },
    library: await libraryOf(given, null),
    waivers: waiversOf(given, by),
    window: given.value('window') ?? null,
    progress: output.progress,
  };
  return sayOutcome(await learnFolderAndPropose(db, REGISTRY, folder, by), output);
}

/** Criteria that --waive names, on the word of who gives the command. */
export function waiversOf(given: Given, { by, reason }: Signature): Waiver[] {
  const names = (given.value('waive') ?? '').split(',').map((name) => name.trim());
  return names
    .filter((name) => name !== '')
    .map((name) => {
      if (!waivable().includes(name))
        throw usage(`--waive takes ${waivable().join(', ')}; not ${JSON.stringify(name)}`);
      return { name, why: `${by}: ${reason}` };
    });
}

/** Tells what came of a proposal or approval. */
export function sayOutcome({ window, version }: Outcome, output: CommandContext['output']): 0 | 1 {
  const name = `${hashShort(version.hash)} of ${version.level} ${safe(version.subject)}`;
  output.json({ hash: version.hash, state: version.state, window: window.id, is: window.state });
  switch (window.state) {
    case 'PROMOTED':
      output.line(
        `${name} is in force, approved by ${version.approvedBy.map((one) => safe(one, 80)).join(', ')}.`,
      );
      return 0;
    case 'REVIEW': {
      const left = window.approvalsNeeded - window.approvals.length;
      output.line(
        `${name} waits for ${count(left, 'approval')}${window.fullNeeded ? ' (--full)' : ''}.`,
      );
      output.line(`Read it: ${typed(`baseline review ${hashShort(version.hash)}`)}`);
      return 0;
    }
    default:
      output.line(`${name} is not in force: its window is ${window.state}.`);
      if (window.ended !== null) output.line(`  ${safe(window.ended.why, 300)}`);
      return window.state === 'REJECTED' ? 0 : 1;
  }
}

async function approve(
  db: Database,
  given: Given,
  { output }: CommandContext,
  word: string | undefined,
): Promise<0 | 1> {
  // By hash only: whoever approves says what they read, not what happens to wait now.
  if (word === undefined || word.replace(/^sha256:/, '').length < HASH_DIGITS_MIN)
    throw usage(`name what you read by at least ${HASH_DIGITS_MIN} characters of its hash`);
  const outcome = await approveProposal(db, word, given.has('full'), signature(given));
  return sayOutcome(outcome, output);
}

async function reject(
  db: Database,
  given: Given,
  { output }: CommandContext,
  word: string | undefined,
): Promise<0 | 1> {
  if (word === undefined) throw usage('name what you read by the first characters of its hash');
  return sayOutcome(await rejectProposal(db, word, signature(given)), output);
}

async function revalidate(
  db: Database,
  given: Given,
  { output }: CommandContext,
  word: string | undefined,
): Promise<0> {
  const { by, reason, clockMs } = signature(given);
  const version = await versionOf(db, given, word, 'promoted');
  if (version.level === 'agent' && isSame(by, version.subject))
    throw refused('an agent cannot revalidate its own baseline');
  const isDone = await db.transaction(async (query) => {
    await lockSubject(query, version);
    const atMs = await eventNowMs({ query }, clockMs);
    return await revalidateVersion(query, version, { atMs, by, reason });
  });
  if (!isDone) throw refused(`${hashShort(version.hash)} is not in force`);
  output.line(`${hashShort(version.hash)} of ${safe(version.subject)} counts as fresh again.`);
  output.json({ hash: version.hash, revalidated: true });
  return 0;
}

async function rollback(
  db: Database,
  given: Given,
  { output }: CommandContext,
  word: string | undefined,
): Promise<0> {
  const to = given.value('to') ?? null;
  const scope = scopeOf(given, word) ?? (to === null ? null : await readVersion(db, to));
  if (scope === null) throw usage('name a role, --agent ID or --fleet, or --to HASH');
  const done = await rollBack(db, scope, to, signature(given));
  output.line(
    `${scope.level} ${safe(scope.subject)}: ${hashShort(done.to.hash)} is in force again, ${hashShort(done.from.hash)} is not.`,
  );
  output.json({ from: done.from.hash, to: done.to.hash });
  return 0;
}

async function exportAll(
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

async function importFile(
  db: Database,
  given: Given,
  { output }: CommandContext,
  file: string | undefined,
): Promise<0> {
  if (file === undefined) throw usage('import takes a reviewed file: import profiles/ROLE.yaml');
  const by = signature(given);
  const read = await readBaseline(file, REGISTRY);
  const imported = await importBaseline(db, REGISTRY, read, by);
  output.json(imported);
  const name = `${hashShort(imported.hash)} of ${safe(imported.subject)}`;
  if (imported.result === 'in-force') output.line(`${name} is in force, as its review says.`);
  else if (imported.result === 'unchanged') output.line(`${name}: ${imported.why}.`);
  else {
    output.line(`${name} waits for an approval here: ${imported.why}.`);
    output.line(`Read it: ${typed(`baseline review ${hashShort(imported.hash)}`)}`);
  }
  return 0;
}
