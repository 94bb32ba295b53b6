/** Baseline, changed: proposals made, judged, taken back; each on the word of somebody. */
import { type Waiver, waivable } from '../baseline/criteria.ts';
import { REGISTRY } from '../baseline/dimensions.ts';
import { isSame } from '../baseline/window.ts';
import type { Database } from '../model/ports.ts';
import { lockSubject, readVersion, revalidateVersion } from '../record/baselines.ts';
import { eventNowMs } from '../record/windows.ts';
import { type Given, usage } from './arguments.ts';
import {
  approveProposal,
  hashShort,
  type Outcome,
  refused,
  rejectProposal,
  rollBack,
  type Signature,
} from './baseline-acts.ts';
import { readBaseline, readProposalFile } from './baseline-files.ts';
import { learnFolderAndPropose } from './baseline-from.ts';
import { scopeOf, signature, versionOf } from './baseline-given.ts';
import { importBaseline } from './baseline-import.ts';
import { proposeProfile } from './baseline-propose.ts';
import type { CommandContext } from './command.ts';
import { libraryOf } from './inputs.ts';
import { count, safe, typed } from './output.ts';

/** An approval binds to content: so much of its hash is no accident. */
const HASH_DIGITS_MIN = 8;
/** Said of every change of what is in force: a daemon reads it when it begins. */
const FROM_WHEN = 'A daemon judges by it from its next start.';

/** `propose`: puts a profile from a file before the reviewers. */
export async function propose(
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

/** `learn`: learns a profile from a folder of records and puts it before the reviewers. */
export async function learn(
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
function waiversOf(given: Given, { by, reason }: Signature): Waiver[] {
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
function sayOutcome({ window, version }: Outcome, output: CommandContext['output']): 0 | 1 {
  const name = `${hashShort(version.hash)} of ${version.level} ${safe(version.subject)}`;
  output.json({ hash: version.hash, state: version.state, window: window.id, is: window.state });
  switch (window.state) {
    case 'PROMOTED':
      output.line(
        `${name} is in force, approved by ${version.approvedBy.map((one) => safe(one, 80)).join(', ')}.`,
      );
      output.line(FROM_WHEN);
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

/** `approve`: one more approval of the proposal whose hash is given. */
export async function approve(
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

/** `reject`: the proposal is not wanted; its window ends. */
export async function reject(
  db: Database,
  given: Given,
  { output }: CommandContext,
  word: string | undefined,
): Promise<0 | 1> {
  if (word === undefined) throw usage('name what you read by the first characters of its hash');
  return sayOutcome(await rejectProposal(db, word, signature(given)), output);
}

/** `revalidate`: somebody looked at what is in force and found it still right. */
export async function revalidate(
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

/** `rollback`: an earlier version is in force again. */
export async function rollback(
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
  output.line(FROM_WHEN);
  output.json({ from: done.from.hash, to: done.to.hash });
  return 0;
}

/** `import`: takes a version from a reviewed file. */
export async function importFile(
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
  if (imported.result === 'in-force') {
    output.line(`${name} is in force, as its review says.`);
    output.line(FROM_WHEN);
  } else if (imported.result === 'unchanged') output.line(`${name}: ${imported.why}.`);
  else {
    output.line(`${name} waits for an approval here: ${imported.why}.`);
    output.line(`Read it: ${typed(`baseline review ${hashShort(imported.hash)}`)}`);
  }
  return 0;
}
