/** Exception files: every key is mandatory, and every mistake is named with its line. */
import { type Static, Type } from 'typebox';
import { dayOf, dayStartMs } from '../model/day.ts';
import type { Detector } from '../model/detector.ts';
import type { Problem } from '../model/errors.ts';
import type { Exception, MatchField } from '../model/exception.ts';
import { type Located, problemAt, schemaProblems } from '../model/schema.ts';

const strict = { additionalProperties: false } as const;
const name = (description: string) => Type.String({ minLength: 1, maxLength: 512, description });
const values = (description: string) =>
  Type.Optional(
    Type.Union([name(description), Type.Array(name(description), { minItems: 1, maxItems: 256 })]),
  );

/** One document of `detectors/exceptions/*.yaml`. */
export const ExceptionDocument = Type.Object(
  {
    id: Type.String({
      pattern: '^[a-z0-9][a-z0-9-]{2,63}$',
      description: 'Unique name, for example nightly-export.',
    }),
    match: Type.Object(
      {
        tenant: values('Tenant, or several.'),
        agent: values('Agent, or several.'),
        role: values('Role, or several.'),
        session: values('Session, or several.'),
        tool: values('Tool, or several.'),
      },
      { ...strict, description: 'Fields of the detection, compared as written; all must hold.' },
    ),
    detectors: Type.Array(name('File stem of a detector.'), { minItems: 1, maxItems: 64 }),
    expires: Type.String({
      pattern: '^\\d{4}-\\d{2}-\\d{2}$',
      description: 'Last day it excuses anything, in event time; at most 90 days ahead.',
    }),
    owner: name('Who answers for it.'),
    reason: Type.String({
      minLength: 10,
      maxLength: 2000,
      description: 'Why this is in order, for whoever reads it in a month.',
    }),
    evidence: Type.Array(
      Type.String({ pattern: '^[0-9a-f]{12,64}$', description: 'Id of a detection.' }),
      { minItems: 1, maxItems: 100, description: 'Detections that led to it.' },
    ),
  },
  {
    ...strict,
    $id: 'https://plumbline.dev/schema/exception-1.json',
    title: 'Plumbline exception',
  },
);
type ExceptionDocument = Static<typeof ExceptionDocument>;

/** A parsed document and where it came from. */
export interface ExceptionText extends Located {
  readonly document: unknown;
}

const DAY_MS = 86_400_000;
const AHEAD_MAX_MS = 90 * DAY_MS;

/**
 * Reads exceptions. One with a problem is left out and said; the others are there. `nowMs` is the
 * clock's: from it the 90 days are counted, while the excusing itself goes by event time.
 */
export function readExceptions(
  texts: readonly ExceptionText[],
  detectors: readonly Detector[],
  nowMs: number,
): { readonly exceptions: readonly Exception[]; readonly problems: readonly Problem[] } {
  const exceptions = new Map<string, Exception>();
  const problems: Problem[] = [];
  const byStem = new Map(detectors.map((detector) => [detector.stem, detector]));
  for (const text of texts) {
    const found = [...schemaProblems(ExceptionDocument, text.document, text)];
    if (found.length === 0) {
      const document = text.document as ExceptionDocument;
      found.push(...faults(document, text, byStem, nowMs));
      const before = exceptions.get(document.id);
      if (before !== undefined)
        found.push(problemAt(text, ['id'], `${document.id} is taken by ${before.file}`));
      if (found.length === 0) exceptions.set(document.id, exceptionOf(document, text.file));
    }
    problems.push(...found);
  }
  return { exceptions: [...exceptions.values()], problems };
}

function faults(
  document: ExceptionDocument,
  where: Located,
  detectors: ReadonlyMap<string, Detector>,
  nowMs: number,
): Problem[] {
  const found: Problem[] = [];
  if (Object.keys(document.match).length === 0) {
    const message = 'name at least one of tenant, agent, role, session, tool';
    found.push(problemAt(where, ['match'], message));
  }
  document.detectors.forEach((stem, at) => {
    const detector = detectors.get(stem);
    if (detector === undefined) {
      const known = [...detectors.keys()].sort().join(', ');
      found.push(problemAt(where, ['detectors', at], `no such detector; there are: ${known}`));
    } else if (detector.family === 'integrity') {
      const message = `${stem} is of the family integrity, which nothing excuses: repair the source`;
      found.push(problemAt(where, ['detectors', at], message));
    }
  });
  const endMs = endOf(document.expires);
  if (endMs === null)
    found.push(problemAt(where, ['expires'], `${document.expires} is no day of the calendar`));
  else if (endMs - DAY_MS > nowMs + AHEAD_MAX_MS) {
    const latest = dayOf(nowMs + AHEAD_MAX_MS);
    found.push(problemAt(where, ['expires'], `at most 90 days ahead: ${latest} or earlier`));
  }
  return found;
}

/** End of a day, ms; null for one that does not exist. */
function endOf(day: string): number | null {
  const startMs = dayStartMs(day);
  return startMs === null ? null : startMs + DAY_MS;
}

function exceptionOf(document: ExceptionDocument, file: string): Exception {
  const match: Partial<Record<MatchField, readonly string[]>> = {};
  for (const [field, value] of Object.entries(document.match))
    match[field as MatchField] = typeof value === 'string' ? [value] : value;
  const { id, detectors, expires, owner, reason, evidence } = document;
  const expiresMs = endOf(expires) ?? 0;
  return { id, match, detectors, expiresMs, owner, reason, evidence, file };
}
