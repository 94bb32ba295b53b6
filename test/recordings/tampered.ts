/** Tampered recordings: makes them from the corpus, judges findings, lists what was missed. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';

const execute = promisify(execFile);

/** Root of the checkout. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Recordings, labels and judges; not part of the project. */
export const SHARED = fileURLToPath(new URL('../../../shared/', import.meta.url));
/** Folders whose sessions are scored. */
export const SCORED = [
  'known/score',
  'fresh/1/score',
  'fresh/2/score',
  'fresh/3/score',
  'fresh/4/score',
] as const;

const STREAMS = ['governance', 'reasoning', 'gateway', 'metrics'] as const;
const JSON_MAX = 64 * 1024 * 1024;

/** Which recording is tampered with, and how. */
export interface Recording {
  /** Folder of the corpus. */
  readonly folder: string;
  readonly seed: string;
  /** Keeps every n-th session, whole: the same month with a smaller fleet. 1 keeps all. */
  readonly every: number;
}

/** A finding as evaluations read it. */
export interface FoundLine {
  readonly session_id: string;
  readonly findings: readonly { readonly class: string; readonly seq: number | null }[];
}

/** What was done to one session, or the interval in which a source was silenced. */
export interface TruthLine {
  readonly session_id: string;
  readonly tampering: string | null;
  readonly expected?: string | null;
  readonly seq?: number | null;
  /** Classes the recording holds by nature. */
  readonly may?: readonly string[];
  readonly coverage?: { readonly source: string; readonly from: string; readonly to: string };
}

/** The judge's figures. */
export interface Verdict {
  readonly decidable: number;
  readonly named: number;
  readonly placed: number;
  readonly quiet: number;
  readonly noisy: number;
  readonly wrong: number;
  /** Share of the silent interval that the coverage report names; null: none was made. */
  readonly covered: number | null;
  readonly per: Readonly<Record<string, { n: number; named: number; placed: number }>>;
  /** One line per session that was missed, misplaced or wrongly named. */
  readonly faults: readonly string[];
}

/** Lines of a JSON-lines file, plain or gzip. */
export async function readLines<T>(file: string): Promise<T[]> {
  const bytes = await readFile(file);
  const text = (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
  return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as T]));
}

/** Runs a program of this Node and returns what it printed; rejects with its stderr. */
export async function runNode(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> {
  // biome-ignore lint/style/noProcessEnv: children need the PATH and home of this process
  const { NODE_TEST_CONTEXT: _ours, ...inherited } = process.env;
  const options = { cwd: ROOT, env: { ...inherited, ...env }, maxBuffer: JSON_MAX };
  const { stdout } = await execute(process.execPath, [...args], options);
  return stdout;
}

/** Tampers with a recording; `out` gets four streams and truth.jsonl. */
export async function tamper(recording: Recording, out: string): Promise<void> {
  let from = join(SHARED, 'corpus', recording.folder);
  if (recording.every > 1) {
    const few = `${out}-few`;
    await thin(from, few, recording.every);
    from = few;
  }
  await runNode([join(SHARED, 'eval/tamper.mjs'), from, out, recording.seed]);
}

/** Copies every n-th session by its id, whole, with the registrations of all agents. */
export async function thin(from: string, to: string, every: number): Promise<void> {
  type Line = { readonly session_id?: string };
  const streams = new Map<string, Line[]>();
  for (const stream of STREAMS) {
    const text = gunzipSync(await readFile(join(from, `${stream}.jsonl.gz`))).toString();
    streams.set(
      stream,
      text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line])),
    );
  }
  const all = [...streams.values()].flat().flatMap(({ session_id: id }) => id ?? []);
  const kept = new Set([...new Set(all)].sort().filter((_, at) => at % every === 0));
  await mkdir(to, { recursive: true });
  for (const [stream, lines] of streams) {
    const left = lines.filter(({ session_id: id }) => id === undefined || kept.has(id));
    const text = left.map((line) => `${JSON.stringify(line)}\n`).join('');
    await writeFile(join(to, `${stream}.jsonl.gz`), gzipSync(text));
  }
}

interface Judged {
  readonly named: number;
  readonly decidable: number;
  readonly sessions_that_must_be_quiet: number;
  readonly false_finding_rate: number;
  readonly with_a_wrong_name_too: number;
  readonly silence_covered: number | null;
  readonly per: Record<string, { n: number; named: number; placed: number }>;
}

/** Asks the judge. `truth` lies in the tampered folder; `scores` and `coverage` are what was found. */
export async function judge(truth: string, scores: string, coverage: string): Promise<Verdict> {
  const text = await runNode([
    join(SHARED, 'eval/tamper-score.mjs'),
    scores,
    truth,
    coverage,
    '--json',
  ]);
  const judged = JSON.parse(text) as Judged;
  const classes = Object.values(judged.per);
  const quiet = judged.sessions_that_must_be_quiet;
  return {
    decidable: judged.decidable,
    named: classes.reduce((sum, one) => sum + one.named, 0),
    placed: classes.reduce((sum, one) => sum + one.placed, 0),
    quiet,
    noisy: Math.round(judged.false_finding_rate * quiet),
    wrong: judged.with_a_wrong_name_too,
    covered: judged.silence_covered,
    per: judged.per,
    faults: faults(await readLines<TruthLine>(truth), await readLines<FoundLine>(scores)),
  };
}

/** Classes each session holds by nature, as tamper.mjs defines it. `out`: where it may write. */
export async function naturalCauses(
  folder: string,
  out: string,
): Promise<ReadonlyMap<string, readonly string[]>> {
  await tamper({ folder, seed: 'natural', every: 1 }, out);
  const truth = await readLines<TruthLine>(join(out, 'truth.jsonl'));
  return new Map(truth.map(({ session_id: id, may = [] }) => [id, may]));
}

/** The silent interval of a truth file moved by `shiftMs`, as `produce --retime` moves the rest. */
export async function moveTruth(truth: string, shiftMs: number): Promise<void> {
  const moved = (time: string) => new Date(Date.parse(time) + shiftMs).toISOString();
  const lines = (await readLines<TruthLine>(truth)).map(({ coverage, ...rest }) =>
    coverage === undefined
      ? rest
      : { coverage: { ...coverage, from: moved(coverage.from), to: moved(coverage.to) } },
  );
  await writeFile(truth, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

/** Classes that tamper.mjs makes; others do not count here. */
export const TAMPERINGS = new Set([
  'unstated-action',
  'phantom-action',
  'argument-mismatch',
  'tool-mismatch',
  'ungranted-action',
  'denied-then-retried',
  'after-close',
  'identity-mismatch',
  'unknown-agent',
]);

function faults(truth: readonly TruthLine[], found: readonly FoundLine[]): string[] {
  const of = new Map(found.map((line) => [line.session_id, line.findings]));
  const lines: string[] = [];
  for (const { session_id: id, tampering, expected = null, seq = null, may = [] } of truth) {
    if (id === undefined) continue;
    const all = of.get(id) ?? [];
    const counted = all.filter((f) => TAMPERINGS.has(f.class));
    const hits = counted.filter((f) => f.class === expected);
    const others = counted.filter((f) => f.class !== expected && !may.includes(f.class));
    const instead = all.map((f) => `${f.class}@${f.seq}`).join(' ') || 'nothing';
    const isNear = (at: number | null) => at === null || Math.abs(at - (seq ?? 0)) <= 1;
    if (expected !== null && hits.length === 0)
      lines.push(`${id}: ${expected}@${seq} missed, found ${instead}`);
    else if (expected !== null && !hits.some((f) => isNear(f.seq)))
      lines.push(`${id}: ${expected}@${seq} misplaced, found ${instead}`);
    if (others.length > 0) lines.push(`${id}: ${tampering ?? 'untouched'}, but found ${instead}`);
  }
  return lines;
}
