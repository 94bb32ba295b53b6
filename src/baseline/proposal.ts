/** Proposal: a learnt profile with what was measured beside it; how documents are read. */
import { type Static, Type } from 'typebox';
import { canonicalJson } from '../model/canonical-json.ts';
import type { Problem } from '../model/errors.ts';
import { type Located, problemAt, schemaProblems } from '../model/schema.ts';
import type { Dimension, Json } from './dimension.ts';
import { type Profile, profileHash, SCORES_VERSION } from './profile.ts';

/** Dimensions by name. */
export type Registry = ReadonlyMap<string, Dimension>;

const strict = { additionalProperties: false } as const;
const count = (description: string) => Type.Integer({ minimum: 0, description });
const ms = (description: string) =>
  Type.Integer({ minimum: 0, maximum: 8_640_000_000_000_000, description });
const share = (description: string) => Type.Number({ minimum: 0, maximum: 1, description });
const name = (description: string) => Type.String({ minLength: 1, maxLength: 512, description });
const numberOrNull = (description: string) =>
  Type.Union([Type.Number(), Type.Null()], { description });

/** A hash as documents and file names write it. */
export const HASH_PATTERN = '^sha256:[0-9a-f]{64}$';
const hashOrNull = (description: string) =>
  Type.Union([Type.String({ pattern: HASH_PATTERN }), Type.Null()], { description });

/** Schema of the frozen document; what dimensions put into it is theirs. */
export const ProfileDocument = Type.Object(
  {
    format: Type.Literal(1, { description: 'Format of the document.' }),
    scores: Type.Integer({ minimum: 1, description: 'Version of the score functions.' }),
    level: Type.Enum(['agent', 'role', 'fleet'], { description: 'Hierarchy level.' }),
    subject: name('Agent id, role name, or * for the fleet.'),
    meta: Type.Object(
      {
        fromMs: ms('Event time of the first session.'),
        toMs: ms('Event time of the last.'),
        sessions: count('Sessions learnt from.'),
        agents: count('Distinct agents.'),
        days: count('Distinct UTC days.'),
        templates: count('Distinct mandate templates.'),
        excluded: Type.Array(
          Type.Object({ session: name('Session.'), reason: name('Why.') }, strict),
          { maxItems: 1_000_000, description: 'Sessions kept out.' },
        ),
        parent: hashOrNull('Profile it follows.'),
        change: Type.Union([name('Governance event.'), Type.Null()]),
        ledger: Type.Record(Type.String(), Type.Number({ minimum: 0 }), {
          description: 'Drift since the last full approval, bits by dimension.',
        }),
      },
      strict,
    ),
    dimensions: Type.Record(Type.String(), Type.Unknown(), { description: 'Counts.' }),
    calibration: Type.Record(
      Type.String(),
      Type.Record(Type.String(), Type.Array(Type.Number(), { maxItems: 1_000_000 })),
      { description: 'Sorted held-out scores by dimension and cell.' },
    ),
    rehearsed: Type.Unknown({ description: 'The rehearsed model, or null.' }),
  },
  strict,
);

const Shares = Type.Array(
  Type.Object({ id: name('Session, or UTC day.'), share: share('Of all weight.') }, strict),
  { maxItems: 1000 },
);

/** What the learner measured. Everything may be absent: it then counts as not measured. */
export const ProposalEvidence = Type.Object(
  {
    measured: Type.Optional(
      Type.Object(
        {
          fitUnits: Type.Optional(numberOrNull('Fewest fit units of a dimension and cell.')),
          calibrationUnits: Type.Optional(numberOrNull('Fewest calibration units.')),
          crossfit: Type.Optional(Type.Boolean({ description: 'Cross-fitted.' })),
          gapMs: Type.Optional(numberOrNull('From the last fit unit to the first calibration.')),
          days: Type.Optional(numberOrNull('Distinct UTC days.')),
          sessions: Type.Optional(numberOrNull('Sessions.')),
          unseenTools: Type.Optional(numberOrNull('Good–Turing N1/n over tools.')),
          unseenOrigins: Type.Optional(numberOrNull('The same over origins.')),
          halvesP: Type.Optional(numberOrNull('Permutation p, first against second half.')),
          lag1: Type.Optional(numberOrNull('Lag-1 Spearman correlation of unit scores.')),
          excludedUnits: Type.Optional(numberOrNull('Units kept out.')),
          allUnits: Type.Optional(numberOrNull('All units.')),
          hardEvidence: Type.Optional(numberOrNull('Findings of hard evidence inside.')),
          presence: Type.Optional(
            Type.Union([Type.Record(Type.String(), share('Of the time.')), Type.Null()]),
          ),
        },
        strict,
      ),
    ),
    permutation: Type.Optional(
      Type.Record(Type.String(), share('p that permutes sessions, by dimension.')),
    ),
    influence: Type.Optional(
      Type.Object({ sessions: Shares, days: Shares }, { ...strict, description: 'Top shares.' }),
    ),
    literals: Type.Optional(
      Type.Array(Type.String({ maxLength: 512 }), {
        maxItems: 10_000,
        description: 'Literals that become known.',
      }),
    ),
    backtest: Type.Optional(
      Type.Object(
        {
          days: Type.Number({ minimum: 0, description: 'Length of the history.' }),
          units: count('Units looked at.'),
          rows: Type.Array(
            Type.Object(
              {
                session: name('Session.'),
                agent: name('Agent.'),
                atMs: ms('Event time of its end.'),
                rung: name('Rung it reaches.'),
                old: Type.Boolean({ description: 'Flagged by what is in force.' }),
                new: Type.Boolean({ description: 'Flagged by the proposal.' }),
              },
              strict,
            ),
            { maxItems: 100_000 },
          ),
        },
        strict,
      ),
    ),
    budgets: Type.Optional(
      Type.Record(Type.String(), Type.Number({ minimum: 0 }), {
        description: 'Declared false firings per day, by rung.',
      }),
    ),
    peers: Type.Optional(
      Type.Object(
        {
          ownBits: Type.Number({ minimum: 0 }),
          otherBits: Type.Array(Type.Number({ minimum: 0 }), { maxItems: 1_000_000 }),
        },
        { ...strict, description: 'JS to the role: of this agent, and of its peers.' },
      ),
    ),
  },
  strict,
);
/** What the learner measured. */
export type ProposalEvidence = Static<typeof ProposalEvidence>;

/** A file that `baseline propose` takes: this, or the bare profile. */
export const ProposalFile = Type.Object(
  { profile: ProfileDocument, evidence: Type.Optional(ProposalEvidence) },
  strict,
);

/** A profile that was read, with its hash; or everything that is wrong with it. */
export interface ReadProfile {
  readonly profile: Profile | null;
  readonly hash: string;
  readonly problems: readonly Problem[];
}

/**
 * Takes plain data for a profile: schema, version of scores, finite ascending calibration scores,
 * known dimensions. All problems are returned, none thrown.
 */
export function readProfile(
  value: unknown,
  where: Located,
  known: Registry,
  base: readonly string[] = [],
): ReadProfile {
  const problems = schemaProblems(ProfileDocument, value, where, base);
  if (problems.length > 0) return { profile: null, hash: '', problems };
  const profile = value as Profile;
  const report = (path: readonly string[], message: string) =>
    problems.push(problemAt(where, [...base, ...path], message));
  if (profile.scores !== SCORES_VERSION)
    report(
      ['scores'],
      `made by score functions of version ${profile.scores}, this program has ${SCORES_VERSION}: scores of two versions never mix; learn it anew`,
    );
  if ((profile.level === 'fleet') !== (profile.subject === '*'))
    report(['subject'], 'the fleet is written *, and nothing else is');
  if (profile.meta.fromMs > profile.meta.toMs) report(['meta', 'toMs'], 'lies before fromMs');
  for (const [name, counts] of Object.entries(profile.dimensions)) {
    const fault = countsFault(known.get(name), counts);
    if (fault !== null) report(['dimensions', name], fault);
  }
  for (const [dimension, cells] of Object.entries(profile.calibration))
    for (const [cell, scores] of Object.entries(cells))
      if (!isAscending(scores))
        report(['calibration', dimension, cell], 'scores are to be ascending');
  if (problems.length > 0) return { profile: null, hash: '', problems };
  return { profile, hash: profileHash(profile), problems };
}

/** Takes a file of `baseline propose`: a profile, alone or with its evidence. */
export function readProposal(
  value: unknown,
  where: Located,
  known: Registry,
): ReadProfile & { readonly evidence: ProposalEvidence } {
  const isWrapped = typeof value === 'object' && value !== null && Object.hasOwn(value, 'profile');
  if (!isWrapped) return { ...readProfile(value, where, known), evidence: {} };
  const problems = schemaProblems(ProposalFile, value, where);
  if (problems.length > 0) return { profile: null, hash: '', problems, evidence: {} };
  const { profile, evidence = {} } = value as Static<typeof ProposalFile>;
  return { ...readProfile(profile, where, known, ['profile']), evidence };
}

/** What is wrong with the counts of a dimension; null where its own code can work with them. */
function countsFault(dimension: Dimension | undefined, counts: Json): string | null {
  if (dimension === undefined) return 'this program knows no such dimension';
  try {
    dimension.compile([counts]);
    for (const weight of dimension.symbols(counts).values())
      if (!(Number.isFinite(weight) && weight >= 0)) return 'holds a count that is no count';
    return null;
  } catch (cause) {
    // Whatever a dimension trips over in a foreign document is a fault of the document.
    return `its counts cannot be read (${cause instanceof Error ? cause.name : 'unknown'})`;
  }
}

/**
 * The text a profile is stored and hashed as. Reading it back gives the same text: nothing in it is
 * undefined, infinite or a function.
 */
export function profileText(profile: Profile): string {
  return canonicalJson(profile);
}

function isAscending(scores: readonly number[]): boolean {
  for (let at = 1; at < scores.length; at += 1)
    if (!((scores[at - 1] ?? 0) <= (scores[at] ?? 0))) return false;
  return true;
}
