/** Detector files: checks the header and what it looks for, and names every mistake at once. */
import { hash } from 'node:crypto';
import type { TSchema } from 'typebox';
import { Compile } from 'typebox/compile';
import { canonicalJson } from '../model/canonical-json.ts';
import { FAMILIES, type Family } from '../model/detection.ts';
import type { Detector, SigmaDocuments } from '../model/detector.ts';
import { durationMs } from '../model/duration.ts';
import type { Problem } from '../model/errors.ts';
import { type Located, problemAt, schemaProblems } from '../model/schema.ts';
import type { SigmaRule } from '../model/sigma.ts';
import { BaseDocument, DetectorFile } from './detector-schema.ts';
import { whyNotEarly } from './early.ts';
import type { AnalyticKind } from './kind.ts';
import { type CorrelationText, linkFile } from './sigma/correlating.ts';
import { readCorrelation } from './sigma/correlation/definition.ts';
import { NO_PLACEHOLDERS, readRule } from './sigma/parse.ts';
import type { RuleOptions } from './sigma/values.ts';

interface SchemaError {
  readonly instancePath: string;
  readonly message: string;
}

const checkFile = Compile(DetectorFile);
const checkBase = Compile(BaseDocument);
const TTL_MAX_MS = 4 * 3_600_000;

/** A parsed YAML document and where it came from. */
export interface DetectorText {
  /** Path below the detectors' folder: `<family>/<stem>.yaml`. */
  readonly file: string;
  readonly document: unknown;
  readonly lineOf: (path: readonly (string | number)[]) => number | null;
}

/** A detector, or what is wrong with it; `problems` is empty if and only if `detector` is there. */
export interface DetectorRead {
  readonly detector: Detector | null;
  readonly problems: readonly Problem[];
}

/**
 * Reads the documents of one file: the outermost has `plumbline:` and carries the header, the others
 * are base documents of its correlations.
 */
export function readDetectorFile(
  texts: readonly DetectorText[],
  kinds: Readonly<Record<string, AnalyticKind>>,
  options: RuleOptions = NO_PLACEHOLDERS,
): DetectorRead {
  const outer = texts.filter(({ document }) => holds(document, 'plumbline'));
  const [text] = texts.length === 1 ? texts : outer;
  const [first] = texts;
  if (text === undefined || (texts.length > 1 && outer.length > 1)) {
    const message =
      text === undefined
        ? 'no document has `plumbline:`; the one that fires carries the header'
        : 'two documents have `plumbline:`; a file holds one detector, and its base documents';
    const second = outer[1] ?? first;
    return {
      detector: null,
      problems: second === undefined ? [] : [problemAt(asLocated(second), [], message)],
    };
  }
  const problems: Problem[] = [];
  const say = (path: readonly (string | number)[], message: string) =>
    problems.push(problemAt(asLocated(text), path, message));
  problems.push(...brokenRules(DetectorFile, checkFile, text.document, text, []));
  const { family, stem } = namesOf(text.file);
  const base = texts.filter((each) => each !== text);
  const isSigma = holds(text.document, 'detection') || holds(text.document, 'correlation');
  const read = isSigma ? readSigma(text, base, options) : null;
  problems.push(...(read?.problems ?? []));
  if (!isSigma && base.length > 0) say([], 'base documents belong to a `correlation:`');
  if (problems.length > 0) return { detector: null, problems: inOrder(problems) };
  const document = text.document as DetectorFile;
  if (family === null)
    say([], `a detector lies in detectors/<family>/, and family is one of ${FAMILIES.join(', ')}`);
  if (document.name !== stem.replaceAll('-', '_'))
    say(['name'], `the name must be the file's: ${stem.replaceAll('-', '_')}`);
  if (isSigma) problems.push(...analyticKeys(document, text));
  else problems.push(...kindProblems(document, kinds, text));
  const { response } = document.plumbline;
  if (response !== undefined && durationMs(response.ttl) > TTL_MAX_MS)
    say(['plumbline', 'response', 'ttl'], 'a lease lasts at most 4h; it can be renewed');
  if (problems.length > 0 || family === null) return { detector: null, problems };
  const detector = detectorOf(document, text.file, family, stem);
  const { kind, needs } = detector;
  const semantic = { kind, needs, documents: read?.semantic };
  const whole =
    read === null ? detector : { ...detector, sigma: read.sigma, version: versionOf(semantic) };
  const whyNot = whole.emit === 'early' ? whyNotEarly(whole) : null;
  if (whyNot === null) return { detector: whole, problems };
  return { detector: null, problems: [problemAt(asLocated(text), ['plumbline', 'emit'], whyNot)] };
}

interface SigmaRead {
  readonly sigma: SigmaDocuments;
  /** What the version is made of. */
  readonly semantic: unknown;
  readonly problems: readonly Problem[];
}

/** Rules and correlations of a file, base documents first. */
function readSigma(
  outer: DetectorText,
  base: readonly DetectorText[],
  options: RuleOptions,
): SigmaRead {
  const problems: Problem[] = [];
  const rules: SigmaRule[] = [];
  const correlations: Readonly<Record<string, unknown>>[] = [];
  const texts: CorrelationText[] = [];
  const semantic: unknown[] = [];
  for (const text of [...base, outer]) {
    if (text !== outer)
      problems.push(...brokenRules(BaseDocument, checkBase, text.document, text, []));
    if (!isMap(text.document)) continue;
    const { document } = text;
    const used = new Set<string>();
    const [hasRule, hasCorrelation] = [
      holds(document, 'detection'),
      holds(document, 'correlation'),
    ];
    if (hasRule === hasCorrelation) {
      const message = hasRule
        ? 'has both `detection:` and `correlation:`; put them into two documents'
        : 'has neither `detection:` nor `correlation:`';
      problems.push(problemAt(asLocated(text), [], message));
      continue;
    }
    if (hasRule) {
      const read = readRule(document, asLocated(text), {
        ...options,
        used: (name) => used.add(name),
      });
      problems.push(...read.problems);
      if (read.rule !== null) rules.push(read.rule);
    } else {
      correlations.push(document);
      texts.push({ document, where: asLocated(text) });
    }
    semantic.push({
      name: document['name'] ?? null,
      logsource: document['logsource'] ?? null,
      detection: document['detection'] ?? null,
      correlation: document['correlation'] ?? null,
      // What the document stands for, where values of the configuration stand in it.
      ...(used.size > 0 && { placeholders: valuesOf(used, options) }),
    });
  }
  if (correlations.length === 0 && base.length > 0)
    problems.push(
      problemAt(
        asLocated(outer),
        [],
        'base documents want a `correlation:`; this one has `detection:`',
      ),
    );
  // What a rule with mistakes is called is not known: then correlations are judged each by itself.
  if (problems.length === 0) problems.push(...linkFile('', { rules }, texts).problems);
  else
    for (const { document, where } of texts)
      problems.push(...readCorrelation(document, where).problems);
  const window = isMap(outer.document) ? windowKeys(outer.document['plumbline']) : null;
  return { sigma: { rules, correlations }, semantic: [semantic, window], problems };
}

/** Values by the name of the placeholder. */
function valuesOf(names: ReadonlySet<string>, { placeholders }: RuleOptions): unknown {
  return Object.fromEntries([...names].map((name) => [name, placeholders.get(name) ?? null]));
}

/** Keys under `plumbline:` that change what a correlation does. */
function windowKeys(plumbline: unknown): unknown {
  if (!isMap(plumbline)) return null;
  const keys = ['window', 'gap', 'missing_group', 'limits'].filter((key) => holds(plumbline, key));
  return Object.fromEntries(keys.map((key) => [key, plumbline[key]]));
}

/** Kind and params belong to analytics. */
function analyticKeys(document: DetectorFile, where: Located): readonly Problem[] {
  const message = 'belongs to analytics; what fires here is in `detection:` or `correlation:`';
  return (['kind', 'params'] as const)
    .filter((key) => document.plumbline[key] !== undefined)
    .map((key) => problemAt(where, ['plumbline', key], message));
}

function inOrder(problems: readonly Problem[]): readonly Problem[] {
  return problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function holds(document: unknown, key: string): boolean {
  return isMap(document) && Object.hasOwn(document, key);
}

function asLocated({ file, lineOf }: DetectorText): Located {
  return { file, lineOf };
}

/** Every place where a value breaks a schema, in words; the schema's own checker has the last one. */
function brokenRules(
  schema: TSchema,
  check: { Check(value: unknown): boolean; Errors(value: unknown): readonly SchemaError[] },
  value: unknown,
  where: Located,
  base: readonly (string | number)[],
): readonly Problem[] {
  if (check.Check(value)) return [];
  const found = schemaProblems(schema, value, where, base);
  if (found.length > 0) return found;
  return check.Errors(value).map(({ instancePath, message }) => {
    const path = instancePath.split('/').filter((part) => part !== '');
    return problemAt(where, [...base, ...path], message);
  });
}

function kindProblems(
  document: DetectorFile,
  kinds: Readonly<Record<string, AnalyticKind>>,
  where: Located,
): readonly Problem[] {
  const { kind, params } = document.plumbline;
  if (document.logsource === undefined)
    return [problemAt(where, ['logsource'], 'missing key `logsource`')];
  if (kind === undefined || params === undefined) {
    const message =
      'says nothing to look for: write `detection:`, `correlation:`, or `kind` and `params` here';
    return [problemAt(where, ['plumbline'], message)];
  }
  if (!Object.hasOwn(kinds, kind)) {
    const known = Object.keys(kinds).join(', ');
    const message = `unknown kind ${JSON.stringify(kind)}; there are: ${known}`;
    return [problemAt(where, ['plumbline', 'kind'], message)];
  }
  const known = kinds[kind] as AnalyticKind;
  const base = ['plumbline', 'params'];
  const broken = brokenRules(known.params, Compile(known.params), params, where, base);
  if (broken.length > 0) return broken;
  return (known.problems?.(params) ?? []).map(({ path, message }) =>
    problemAt(where, [...base, ...path], message),
  );
}

function namesOf(file: string): { family: Family | null; stem: string } {
  const parts = file.split('/');
  const stem = (parts.at(-1) ?? '').replace(/\.ya?ml$/, '');
  const folder = parts.at(-2) ?? '';
  return { family: FAMILIES.find((family) => family === folder) ?? null, stem };
}

function detectorOf(document: DetectorFile, file: string, family: Family, stem: string): Detector {
  const { plumbline } = document;
  const { kind = 'sigma', params = null, needs, response } = plumbline;
  return {
    stem,
    file,
    uuid: document.id,
    title: document.title,
    family,
    level: document.level,
    status: document.status,
    maturity: plumbline.maturity,
    evidenceClass: plumbline.evidence_class,
    kind,
    params,
    sigma: null,
    emit: plumbline.emit ?? 'final',
    needs: {
      sources: needs.sources,
      evidence: needs.evidence,
      ...(needs.identity === undefined ? {} : { identity: needs.identity }),
    },
    response:
      response === undefined
        ? null
        : { action: response.action, scope: response.scope, ttlMs: durationMs(response.ttl) },
    why: plumbline.why,
    misses: plumbline.misses,
    triage: plumbline.triage,
    falsePositives: document.falsepositives,
    tags: document.tags,
    version: versionOf({ kind, params, needs }),
  };
}

function versionOf(semantic: unknown): string {
  return hash('sha256', canonicalJson(semantic), 'hex').slice(0, 16);
}
