/** Profile file: the readable part of a baseline for git, pinned to its document by hash. */
import { type Static, Type } from 'typebox';
import { canonicalJson } from '../model/canonical-json.ts';
import type { Problem } from '../model/errors.ts';
import { idOf } from '../model/ids.ts';
import { type Located, problemAt, schemaProblems } from '../model/schema.ts';
import type { WindowScope } from '../model/window.ts';
import { pacCut } from '../stats/conformal.ts';
import { isoOf } from './iso-time.ts';
import { type Profile, profileHash } from './profile.ts';
import { HASH_PATTERN, type Registry } from './proposal.ts';
import { quantiles, symbolsOf } from './review.ts';

const strict = { additionalProperties: false } as const;
const TEXT_MAX = 160;
const TOP = 12;
/** Share of sessions that the threshold shown would flag at most, twice that with 95 % certainty. */
const SHOWN_RATE = 0.01;
const nullable = (pattern: string) => Type.Union([Type.String({ pattern }), Type.Null()]);
const TIME = '^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{8,12}Z$';

/** What a file in `baselines/profiles/` holds. */
export const ProfileFile = Type.Object(
  {
    format: Type.Literal(1),
    level: Type.Enum(['agent', 'role', 'fleet']),
    subject: Type.String({ minLength: 1, maxLength: 512 }),
    document: Type.Object(
      {
        file: Type.String({
          pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,199}\\.json\\.gz$',
          description: 'Lies beside this file.',
        }),
        sha256: Type.String({ pattern: HASH_PATTERN, description: 'Of the unpacked text.' }),
        bytes: Type.Integer({ minimum: 2, description: 'Length of the unpacked text.' }),
      },
      strict,
    ),
    approved: Type.Object(
      {
        by: Type.Array(Type.String({ minLength: 1, maxLength: 512 }), { maxItems: 64 }),
        full: Type.Boolean({ description: 'As a whole: the drift ledger began anew with it.' }),
        at: nullable(TIME),
        window: Type.String({ maxLength: 128 }),
        change: Type.Union([Type.String({ maxLength: 512 }), Type.Null()]),
        proposedBy: Type.String({ maxLength: 512 }),
      },
      strict,
    ),
    // What follows is made of the document alone, and must say what the document says.
    readable: Type.Unknown({ description: 'What a reviewer reads.' }),
  },
  strict,
);
/** What a file in `baselines/profiles/` holds. */
export type ProfileFile = Static<typeof ProfileFile>;

/** Who approved what is exported. */
export type ApprovalRecord = ProfileFile['approved'];

/** The file of a profile: keys in the order people read them, the same bytes each time. */
export function profileFile(
  profile: Profile,
  approved: ApprovalRecord,
  registry: Registry,
): ProfileFile {
  const text = canonicalJson(profile);
  return {
    format: 1,
    level: profile.level,
    subject: profile.subject,
    document: {
      file: documentName(profile),
      sha256: profileHash(profile),
      bytes: utf8Length(text),
    },
    approved,
    readable: readable(profile, registry),
  };
}

/** `<stem>.yaml`: the name a subject's file has. */
export function fileName(scope: WindowScope): string {
  return `${stemOf(scope)}.yaml`;
}

/** `<stem>.<first 12 digits of the hash>.json.gz`: the name its document has. */
export function documentName(profile: Profile): string {
  return `${stemOf(profile)}.${profileHash(profile).slice('sha256:'.length, 'sha256:'.length + 12)}.json.gz`;
}

/**
 * Name of a subject in files. Roles by their own name; agents and the fleet get a prefix that no role
 * can have. A name that had to be changed bears a hash of what it was, so that two stay two.
 */
export function stemOf({ level, subject }: WindowScope): string {
  const prefix = level === 'role' ? '' : `${level}.`;
  if (level === 'fleet') return `${prefix}all`;
  const slug = slugOf(subject);
  return slug === subject ? `${prefix}${slug}` : `${prefix}${slug}-${idOf(subject).slice(0, 8)}`;
}

/** Lower-case letters, digits and hyphens; at most 60, never empty. */
export function slugOf(text: string): string {
  const slug = text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 60)
    .replace(/^-+|-+$/g, '');
  return slug === '' ? 'unnamed' : slug;
}

/**
 * Every way in which a file and the document it pins disagree, hash included. The document has been
 * read and is sound; the file's own schema has been checked.
 */
export function profileFileProblems(
  file: ProfileFile,
  profile: Profile,
  registry: Registry,
  where: Located,
): Problem[] {
  const problems: Problem[] = [];
  const report = (path: readonly string[], message: string) =>
    problems.push(problemAt(where, path, message));
  if (profile.level !== file.level || profile.subject !== file.subject)
    report(
      ['subject'],
      `says ${file.level} ${file.subject}; the document is of ${profile.level} ${profile.subject}`,
    );
  const said = differences(file.readable, readable(profile, registry), ['readable']);
  for (const path of said.slice(0, 10))
    report(path, 'is not what the document says: this part is generated, export writes it');
  return problems;
}

/** Checks the schema of a file. */
export function readProfileFile(
  value: unknown,
  where: Located,
): { readonly file: ProfileFile | null; readonly problems: readonly Problem[] } {
  const problems = schemaProblems(ProfileFile, value, where);
  return { file: problems.length > 0 ? null : (value as ProfileFile), problems };
}

/** What a reviewer reads of a document: plain data, rounded, keys in reading order. */
export function readable(profile: Profile, registry: Registry): Readonly<Record<string, unknown>> {
  const { meta } = profile;
  const reasons: Record<string, number> = {};
  for (const { reason } of [...meta.excluded].sort((a, b) => (a.reason < b.reason ? -1 : 1)))
    reasons[cut(reason)] = (reasons[cut(reason)] ?? 0) + 1;
  return {
    scores: profile.scores,
    meta: {
      from: isoOf(meta.fromMs),
      to: isoOf(meta.toMs),
      sessions: meta.sessions,
      agents: meta.agents,
      days: meta.days,
      templates: meta.templates,
      excluded: reasons,
      parent: meta.parent,
      change: meta.change === null ? null : cut(meta.change),
    },
    ledgerBits: Object.fromEntries(
      Object.keys(meta.ledger)
        .sort()
        .map((name) => [name, round(meta.ledger[name] ?? 0)]),
    ),
    rehearsed: profile.rehearsed !== null,
    dimensions: Object.keys(profile.dimensions)
      .sort()
      .map((name) => readableDimension(profile, registry, name)),
  };
}

function readableDimension(
  profile: Profile,
  registry: Registry,
  name: string,
): Readonly<Record<string, unknown>> {
  const symbols = symbolsOf(registry, profile, name) ?? new Map<string, number>();
  let total = 0;
  for (const n of symbols.values()) total += n;
  const top = [...symbols]
    .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, TOP)
    .map(([symbol, n]) => ({ symbol: cut(symbol), share: round(total > 0 ? n / total : 0) }));
  const cells = profile.calibration[name] ?? {};
  return {
    name,
    symbols: symbols.size,
    top,
    calibration: Object.fromEntries(
      Object.keys(cells)
        .sort()
        .map((cell) => [cell, readableCell(cells[cell] ?? [])]),
    ),
  };
}

/** Size, quantiles, and the score from which a session would be flagged at a declared 1 %. */
function readableCell(sorted: readonly number[]): Readonly<Record<string, number | null>> {
  const found = quantiles(sorted);
  if (found === null) return { n: 0 };
  const k = pacCut(found.n, SHOWN_RATE);
  const threshold = k === 0 ? null : (sorted[found.n - k] ?? null);
  return {
    n: found.n,
    p50: round(found.p50),
    p90: round(found.p90),
    p99: round(found.p99),
    thresholdAt1Percent: threshold === null ? null : round(threshold),
  };
}

/** Six significant digits: readable, and the same on every machine. */
function round(value: number): number {
  return Number(value.toPrecision(6));
}

function cut(text: string): string {
  const whole = text.toWellFormed();
  return whole.length > TEXT_MAX ? `${whole.slice(0, TEXT_MAX - 1).toWellFormed()}…` : whole;
}

function utf8Length(text: string): number {
  return Buffer.byteLength(text, 'utf8');
}

/** Paths at which two plain values differ; the deepest that can be named. */
function differences(
  a: unknown,
  b: unknown,
  path: readonly string[],
): readonly (readonly string[])[] {
  if (canonicalJson(a) === canonicalJson(b)) return [];
  const isPair =
    typeof a === 'object' &&
    typeof b === 'object' &&
    a !== null &&
    b !== null &&
    Array.isArray(a) === Array.isArray(b);
  if (!isPair) return [path];
  const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return keys.flatMap((key) =>
    differences(Reflect.get(a, key), Reflect.get(b, key), [...path, key]),
  );
}
