/** Linted files: a detector with its cases and its text, as rules of the lint see them. */
import path from 'node:path';
import {
  listFolder,
  parseYaml,
  readText,
  readYamlDocuments,
  type YamlDocument,
} from '../adapters/files.ts';
import { KINDS_OF_ANALYTIC } from '../detect/detect.ts';
import { readDetectorFile } from '../detect/detector-file.ts';
import { FAMILIES } from '../model/detection.ts';
import type { Detector } from '../model/detector.ts';
import type { Problem } from '../model/errors.ts';
import { BESIDE } from './library-power.ts';

/** How bad it is: errors fail the lint, warnings are said. */
export type Severity = 'error' | 'warning';

/** One thing the lint found, and what to write instead. */
export interface LintFinding {
  readonly file: string;
  /** 1-based; null where no line can be named. */
  readonly line: number | null;
  /** Name of the rule that found it. */
  readonly rule: string;
  readonly severity: Severity;
  readonly message: string;
}

/** A YAML file with its text. */
export interface LintedText {
  readonly file: string;
  readonly text: string;
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly Problem[];
}

/** A detector file, its cases, and what could be read of them. */
export interface LintedDetector extends LintedText {
  readonly stem: string;
  /** The document with `plumbline:`; null where there is none. */
  readonly outer: YamlDocument | null;
  /** Null where it has mistakes. */
  readonly detector: Detector | null;
  /** Null where there is no such file. */
  readonly cases: LintedText | null;
}

/** What rules may know besides the file. */
export interface LintContext {
  /** Stems of all detectors of the folder, those with mistakes too. */
  readonly stems: ReadonlySet<string>;
  /** Today, YYYY-MM-DD. */
  readonly today: string;
  /** Detectors as they were in the revision named, by stem; null where that is not known. */
  readonly before: {
    readonly name: string;
    readonly detectors: ReadonlyMap<string, Before>;
  } | null;
}

/** A detector as it was. */
export interface Before {
  readonly version: string;
  readonly modified: string | null;
}

/** A rule of the lint about one detector. */
export interface LintRule {
  readonly name: string;
  /** What it asks for, one sentence: text of `lint --rules`. */
  readonly says: string;
  readonly check: (file: LintedDetector, context: LintContext) => readonly LintFinding[];
}

const DETECTOR = /\.ya?ml$/;

/** Every detector of a folder, by family and name. */
export async function readLinted(dir: string): Promise<LintedDetector[]> {
  const found: LintedDetector[] = [];
  for (const family of FAMILIES) {
    const names = await listFolder(path.join(dir, family));
    for (const name of names.filter((one) => DETECTOR.test(one) && !BESIDE.test(one))) {
      const ending = DETECTOR.exec(name)?.[0] ?? '';
      const stem = name.slice(0, -ending.length);
      const cases = `${stem}.test.yaml`;
      const beside = names.includes(cases) ? await textOf(path.join(dir, family, cases)) : null;
      found.push(linted(await textOf(path.join(dir, family, name)), stem, beside));
    }
  }
  return found;
}

/** Every YAML file of one folder of a detectors' folder, for example `filters`. */
export async function readUpkept(dir: string, folder: string): Promise<LintedText[]> {
  const names = await listFolder(path.join(dir, folder));
  const found: LintedText[] = [];
  for (const name of names.filter((one) => DETECTOR.test(one) && !BESIDE.test(one)))
    found.push(await textOf(path.join(dir, folder, name)));
  return found;
}

async function textOf(file: string): Promise<LintedText> {
  const { file: read, problems } = await readYamlDocuments(file);
  return { file, text: await readText(file), documents: read.documents, problems };
}

function linted(text: LintedText, stem: string, cases: LintedText | null): LintedDetector {
  const outer = text.documents.find(({ value }) => mapOf(value)?.['plumbline'] !== undefined);
  return {
    ...text,
    ...{ stem, cases, outer: outer ?? text.documents[0] ?? null },
    detector: text.problems.length > 0 ? null : detectorIn(text.file, text.documents),
  };
}

function detectorIn(file: string, documents: readonly YamlDocument[]): Detector | null {
  const texts = documents.map(({ value, lineOf }) => ({ file, document: value, lineOf }));
  return texts.length === 0 ? null : readDetectorFile(texts, KINDS_OF_ANALYTIC).detector;
}

/** What an older text of a detector says of itself; null where today's schema refuses it. */
export function beforeOf(file: string, text: string): Before | null {
  const { documents } = parseYaml(file, text).file;
  const detector = detectorIn(file, documents);
  if (detector === null) return null;
  const outer = documents.find(({ value }) => mapOf(value)?.['plumbline'] !== undefined);
  return { version: detector.version, modified: dateOf(mapOf(outer?.value)?.['modified']) };
}

/** A date as YAML has it; null for anything else. */
export function dateOf(value: unknown): string | null {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\d$/.test(value) ? value : null;
}

/** A map, or undefined for anything else. */
export function mapOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return value as Readonly<Record<string, unknown>>;
}

/** Own member of a map at a path; undefined where one part is missing. */
export function memberOf(value: unknown, ...keys: readonly string[]): unknown {
  let at: unknown = value;
  for (const key of keys) {
    const map = mapOf(at);
    if (map === undefined || !Object.hasOwn(map, key)) return undefined;
    at = map[key];
  }
  return at;
}

/** Findings of one rule about one text. */
export function findings(
  { file }: { readonly file: string },
  rule: string,
  severity: Severity,
): { readonly list: LintFinding[]; say(line: number | null, message: string): void } {
  const list: LintFinding[] = [];
  return {
    list,
    say: (line, message) => list.push({ file, line, rule, severity, message }),
  };
}
