/** Detector files: checks the header and parameters, and names every mistake at once. */
import { hash } from 'node:crypto';
import { type Static, type TSchema, Type } from 'typebox';
import { Compile } from 'typebox/compile';
import { canonicalJson } from '../model/canonical-json.ts';
import { durationMs } from '../model/config.ts';
import { VERBS } from '../model/decision.ts';
import { EVIDENCE_CLASSES, FAMILIES, type Family, LEVELS, MATURITIES } from '../model/detection.ts';
import type { Detector } from '../model/detector.ts';
import type { Problem } from '../model/errors.ts';
import { EVIDENCE_LEVELS, KINDS } from '../model/event.ts';
import { type Located, problemAt, schemaProblems } from '../model/schema.ts';
import type { AnalyticKind } from './kind.ts';

const prose = (description: string) => Type.String({ minLength: 10, maxLength: 4000, description });
const strict = { additionalProperties: false } as const;

/** What a detector file holds: a Sigma v2.1 head, and everything of ours under `plumbline:`. */
export const DetectorFile = Type.Object(
  {
    title: Type.String({
      minLength: 5,
      maxLength: 256,
      description: 'What fired, in a few words.',
    }),
    id: Type.String({
      pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
      description: 'UUID v4: identity for ever.',
    }),
    name: Type.String({ pattern: '^[a-z][a-z0-9_]*$', description: 'File stem with _ for -.' }),
    taxonomy: Type.Literal('plumbline'),
    status: Type.Enum(['experimental', 'test', 'stable', 'deprecated', 'unsupported']),
    description: Type.Optional(Type.String()),
    author: Type.Optional(Type.String()),
    date: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }),
    modified: Type.Optional(Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' })),
    references: Type.Optional(Type.Array(Type.String())),
    logsource: Type.Object(
      {
        product: Type.Literal('ai_agent'),
        service: Type.Optional(Type.Enum(KINDS)),
        category: Type.Optional(Type.String()),
      },
      strict,
    ),
    falsepositives: Type.Array(Type.String({ minLength: 5 }), { minItems: 1 }),
    level: Type.Enum(LEVELS),
    tags: Type.Array(
      Type.String({
        pattern:
          '^(atlas\\.t\\d{4}(\\.\\d{3})?|owasp-asi\\.asi\\d{2}|owasp-mcp\\.mcp\\d{2}|owasp-t\\.t\\d{1,2}|attack\\.t\\d{4}(\\.\\d{3})?)$',
        description: 'ATLAS and OWASP ids, for example atlas.t0053, owasp-asi.asi02.',
      }),
      { minItems: 1 },
    ),
    plumbline: Type.Object(
      {
        format: Type.Literal(1),
        maturity: Type.Enum(MATURITIES, { description: 'What a firing may cause.' }),
        kind: Type.String({ description: 'Kind of analytic.' }),
        params: Type.Record(Type.String(), Type.Unknown(), {
          description: "The kind's parameters.",
        }),
        evidence_class: Type.Enum(EVIDENCE_CLASSES),
        needs: Type.Object(
          {
            sources: Type.Array(Type.Enum(KINDS), { minItems: 1 }),
            evidence: Type.Enum(EVIDENCE_LEVELS),
            identity: Type.Optional(Type.Enum(['gateway', 'platform', 'self'])),
          },
          strict,
        ),
        entity: Type.Array(Type.String(), {
          minItems: 1,
          description: 'Paths of the risk objects.',
        }),
        response: Type.Optional(
          Type.Object(
            {
              action: Type.Enum(VERBS, { description: 'A hint: the ladder may do less.' }),
              scope: Type.Enum(['session', 'agent']),
              ttl: Type.String({ pattern: '^[0-9]+(ms|s|m|h)$', description: 'At most 4h.' }),
            },
            strict,
          ),
        ),
        why: prose('Why this matters.'),
        misses: prose('When it stays silent although it should not.'),
        triage: prose('What the person on call does first.'),
      },
      strict,
    ),
  },
  { ...strict, $id: 'https://plumbline.dev/schema/detector-1.json', title: 'Plumbline detector' },
);
type DetectorFile = Static<typeof DetectorFile>;

interface SchemaError {
  readonly instancePath: string;
  readonly message: string;
}

const checkFile = Compile(DetectorFile);
const TTL_MAX_MS = 4 * 3_600_000;

/** A parsed YAML document and where it came from. */
export interface DetectorText {
  /** Path below the detectors' folder: `<family>/<stem>.yaml`. */
  readonly file: string;
  readonly document: unknown;
  readonly lineOf: (path: readonly (string | number)[]) => number | null;
}

/** Reads one detector. `problems` is empty if and only if `detector` is there. */
export function readDetector(
  text: DetectorText,
  kinds: Readonly<Record<string, AnalyticKind>>,
): { readonly detector: Detector | null; readonly problems: readonly Problem[] } {
  const problems: Problem[] = [];
  const say = (path: readonly (string | number)[], message: string) =>
    problems.push({ file: text.file, line: text.lineOf(path), key: path.join('.'), message });
  problems.push(...brokenRules(DetectorFile, checkFile, text.document, text, []));
  if (problems.length > 0) return { detector: null, problems };
  const document = text.document as DetectorFile;
  const { family, stem } = namesOf(text.file);
  if (family === null)
    say([], `a detector lies in detectors/<family>/, and family is one of ${FAMILIES.join(', ')}`);
  if (document.name !== stem.replaceAll('-', '_'))
    say(['name'], `the name must be the file's: ${stem.replaceAll('-', '_')}`);
  problems.push(...kindProblems(document, kinds, text));
  const { response } = document.plumbline;
  if (response !== undefined && durationMs(response.ttl) > TTL_MAX_MS)
    say(['plumbline', 'response', 'ttl'], 'a lease lasts at most 4h; it can be renewed');
  if (problems.length > 0 || family === null) return { detector: null, problems };
  return { detector: detectorOf(document, text.file, family, stem), problems };
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
  const { kind, params, needs, response } = plumbline;
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
    needs: { sources: needs.sources, evidence: needs.evidence },
    response:
      response === undefined
        ? null
        : { action: response.action, scope: response.scope, ttlMs: durationMs(response.ttl) },
    why: plumbline.why,
    misses: plumbline.misses,
    triage: plumbline.triage,
    falsePositives: document.falsepositives,
    tags: document.tags,
    version: hash('sha256', canonicalJson({ kind, params, needs }), 'hex').slice(0, 16),
  };
}
