/** Baseline files: reviewed YAML and the document it pins, out of the record and back. */
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import {
  exists,
  listFolder,
  readText,
  readYamlDocuments,
  toYaml,
  writeAtomic,
} from '../adapters/files.ts';
import { isoOf } from '../baseline/iso-time.ts';
import type { Profile } from '../baseline/profile.ts';
import {
  type ApprovalRecord,
  fileName,
  type ProfileFile,
  profileFile,
  profileFileProblems,
  readProfileFile,
} from '../baseline/profile-file.ts';
import {
  type ProposalEvidence,
  profileText,
  type Registry,
  readProfile,
  readProposal,
} from '../baseline/proposal.ts';
import { windowFile, windowFileName, windowFileProblems } from '../baseline/window-file.ts';
import { OperatingError, type Problem } from '../model/errors.ts';
import type { Database } from '../model/ports.ts';
import { type Located, problemAt } from '../model/schema.ts';
import type { StoredVersion } from '../record/baselines.ts';
import { readWindow } from '../record/windows.ts';
import { hashShort, profileOf, refused } from './baseline-acts.ts';
import { problemLines } from './config.ts';
import { safe } from './output.ts';

/** A document unpacks to this at most. */
const DOCUMENT_BYTES_MAX = 256 * 1024 * 1024;
/** The byte of a gzip header that names the writer's system: 255 is "unknown". */
const GZIP_OS_BYTE = 9;

const YAML_HEAD = `# Written by \`plumbline baseline export\`. Everything under \`readable\` is made of the document beside
# this file; \`baseline import\` refuses a file that says anything else.
`;

/** What export wrote for one version. */
export interface Exported {
  readonly subject: string;
  readonly hash: string;
  readonly files: readonly string[];
}

/**
 * Writes a version as `profiles/<role>.yaml` with its document, and its window as
 * `windows/<date>-<slug>.yaml`. The same version gives the same bytes; a document that is there
 * already and is what its name says is left alone, for two systems may pack alike texts differently.
 */
export async function exportVersion(
  db: Database,
  registry: Registry,
  version: StoredVersion,
  dir: string,
): Promise<Exported> {
  const profile = await profileOf(db, version.hash);
  if (profile === null) throw refused(`the document of ${hashShort(version.hash)} is not stored`);
  const window = await readWindow(db, version.windowId);
  const file = profileFile(profile, approvalOf(version, window.change), registry);
  const folder = join(dir, 'profiles');
  const text = profileText(profile);
  const document = join(folder, file.document.file);
  if (!(await holds(document, text))) await writeAtomic(document, packed(text));
  const yaml = join(folder, fileName(profile));
  await writeAtomic(yaml, `${YAML_HEAD}${toYaml(file)}`);
  const files = [yaml, document];
  if (window.rule !== 'reviewed-file') {
    const permission = join(dir, 'windows', windowFileName(window));
    await writeAtomic(permission, toYaml(windowFile(window)));
    files.push(permission);
  }
  return { subject: version.subject, hash: version.hash, files };
}

/**
 * Who approved it: as the file it was imported from says, else as this record says. Keys in a fixed
 * order: the record may have kept them in another.
 */
function approvalOf(version: StoredVersion, change: string | null): ApprovalRecord {
  const imported = version.evidence['approved'] as ApprovalRecord | undefined;
  const own = {
    by: version.approvedBy,
    full: version.anchor === version.hash,
    at: version.inForceMs === null ? null : isoOf(version.inForceMs),
    window: version.windowId,
    change,
    proposedBy: version.proposedBy,
  };
  const { by, full, at, window, change: permittedBy, proposedBy } = imported ?? own;
  return { by: [...by], full, at, window, change: permittedBy, proposedBy };
}

function packed(text: string): Buffer {
  const bytes = gzipSync(Buffer.from(text, 'utf8'), { level: 9 });
  bytes[GZIP_OS_BYTE] = 255;
  return bytes;
}

async function holds(file: string, text: string): Promise<boolean> {
  if (!(await exists(file))) return false;
  const found = await unpacked(file);
  return found.text === text;
}

async function unpacked(
  file: string,
): Promise<{ readonly text: string; readonly problem: string | null }> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    return { text: '', problem: `cannot be read: ${code}` };
  }
  try {
    const text = gunzipSync(bytes, { maxOutputLength: DOCUMENT_BYTES_MAX }).toString('utf8');
    return { text, problem: null };
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    return { text: '', problem: `cannot be unpacked (${code}): it is damaged or no gzip file` };
  }
}

/** A reviewed file with the document it pins, both verified. */
export interface ReadBaseline {
  readonly file: ProfileFile;
  readonly profile: Profile;
  readonly hash: string;
}

/**
 * Reads a reviewed file and its document. CONFIG_INVALID with every problem, file and line, where
 * either is malformed, the hash is another one, or the readable part says what the document does not.
 */
export async function readBaseline(path: string, registry: Registry): Promise<ReadBaseline> {
  const { baseline, problems } = await inspectBaseline(path, registry);
  if (baseline === null) throw invalid(problems);
  return baseline;
}

/** The same by value: the baseline, or every problem of its two files. */
export async function inspectBaseline(
  path: string,
  registry: Registry,
): Promise<{ readonly baseline: ReadBaseline | null; readonly problems: readonly Problem[] }> {
  const wrong = (problems: readonly Problem[]) => ({ baseline: null, problems });
  const yaml = await inspectYaml(path);
  if (yaml.where === null) return wrong(yaml.problems);
  const { value, where } = yaml;
  const { file, problems } = readProfileFile(value, where);
  if (file === null) return wrong(problems);
  const beside = join(dirname(path), file.document.file);
  const { text, problem } = await unpacked(beside);
  if (problem !== null) return wrong([{ file: beside, line: null, key: '', message: problem }]);
  const read = readProfile(jsonOrNull(text), { file: beside, lineOf: () => null }, registry);
  if (read.profile === null) return wrong(read.problems);
  const { profile, hash } = read;
  // Its own canonical text is what was hashed: what merely reads alike is not the same document.
  if (hash !== file.document.sha256 || profileText(profile) !== text) {
    const message = `pins ${file.document.sha256}, but ${file.document.file} holds ${hash}: one of the two was changed after the review`;
    return wrong([problemAt(where, ['document', 'sha256'], message)]);
  }
  const said = profileFileProblems(file, profile, registry, where);
  return said.length > 0 ? wrong(said) : { baseline: { file, profile, hash }, problems: [] };
}

/**
 * Every problem of a folder of reviewed baselines: `profiles/*.yaml` with their documents, and
 * `windows/*.yaml`. Needs no database, so that a review can run it.
 */
export async function baselineProblems(dir: string, registry: Registry): Promise<Problem[]> {
  const problems: Problem[] = [];
  const isYaml = (name: string): boolean => /\.ya?ml$/.test(name);
  const profiles = join(dir, 'profiles');
  for (const name of (await listFolder(profiles)).filter(isYaml))
    problems.push(...(await inspectBaseline(join(profiles, name), registry)).problems);
  const windows = join(dir, 'windows');
  for (const name of (await listFolder(windows)).filter(isYaml)) {
    const yaml = await inspectYaml(join(windows, name));
    problems.push(...yaml.problems);
    if (yaml.where !== null) problems.push(...windowFileProblems(yaml.value, yaml.where));
  }
  return problems;
}

/** Reads what `baseline propose` takes: a profile as JSON, alone or with its evidence. */
export async function readProposalFile(
  path: string,
  registry: Registry,
): Promise<{
  readonly profile: Profile;
  readonly hash: string;
  readonly evidence: ProposalEvidence;
}> {
  const text = path.endsWith('.gz') ? await unpackedOrRefuse(path) : await readText(path);
  const where: Located = { file: path, lineOf: () => null };
  const read = readProposal(jsonOrNull(text), where, registry);
  if (read.profile === null) throw invalid(read.problems);
  return { profile: read.profile, hash: read.hash, evidence: read.evidence };
}

async function unpackedOrRefuse(path: string): Promise<string> {
  const { text, problem } = await unpacked(path);
  if (problem !== null) throw invalid([{ file: path, line: null, key: '', message: problem }]);
  return text;
}

/** The only document of a YAML file. */
export async function onlyDocument(
  path: string,
): Promise<{ readonly value: unknown; readonly where: Located }> {
  const { value, where, problems } = await inspectYaml(path);
  if (where === null) throw invalid(problems);
  return { value, where };
}

async function inspectYaml(path: string): Promise<{
  readonly value: unknown;
  readonly where: Located | null;
  readonly problems: readonly Problem[];
}> {
  const { file, problems } = await readYamlDocuments(path);
  const [document, second] = file.documents;
  const message = 'holds not exactly one document';
  if (problems.length > 0) return { value: null, where: null, problems };
  if (document === undefined || second !== undefined)
    return { value: null, where: null, problems: [{ file: path, line: null, key: '', message }] };
  return { value: document.value, where: { file: path, lineOf: document.lineOf }, problems: [] };
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    // Said by the schema check that follows: what is no JSON is no object either.
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}

/** All problems as one refusal: exit 2. */
export function invalid(problems: readonly Problem[]): OperatingError {
  // Keys and values of a foreign file: escaped line by line.
  const lines = problemLines(problems).map((line) => safe(line, 1000));
  return new OperatingError('CONFIG_INVALID', lines.join('\n'), { retryable: false });
}
