/** In force: profiles compiled for scoring, and which of them answers for a unit. */
import type { UnitHead } from '../model/unit.ts';
import { hash32 } from '../stats/literals.ts';
import { mandateTemplate } from '../stats/mandate-template.ts';
import type { Json } from './dimension.ts';
import { DIMENSIONS } from './dimensions.ts';
import { type Following, type ForceDimension, followingOf } from './following.ts';
import { compileJoint, JOINT, type JointScore } from './joint.ts';
import { type Profile, profileHash, SCORES_VERSION } from './profile.ts';
import type { Rehearsal, RehearsedScorer } from './rehearsal.ts';

/** What `rehearsed` of a profile holds. */
export interface Rehearsed {
  /** Document of the conduct score; null: too little to train one. */
  readonly conduct: Json;
  /** Digests of the mandate templates that learning saw, ascending. */
  readonly templates: readonly number[];
  /** Lag-1 correlation of consecutive units of one agent. */
  readonly lag1: number;
  /** Held-out scores come from cross-fitting: such a profile carries no freeze or revocation. */
  readonly crossfit: boolean;
}

/** A compiled profile. */
export interface InForceProfile {
  /** `level subject`. */
  readonly name: string;
  /** State made under one document means nothing under another. */
  readonly hash: string;
  readonly profile: Profile;
  readonly dimensions: readonly ForceDimension[];
  /** Shows items to the dimensions. */
  readonly following: Following;
  readonly conduct: RehearsedScorer | null;
  /** What a closed unit counts as that the rehearsed score never judged. */
  readonly unjudged: number;
  /** Name of the score of the unit as a whole. */
  readonly jointName: string;
  readonly joint: JointScore;
  readonly templates: ReadonlySet<number>;
}

/** Evidence a level needs to speak for itself (handbook 2). */
export interface LevelNeeds {
  /** Units of an agent, over so many days. */
  readonly agentUnits: number;
  readonly agentDays: number;
  /** Units of a role, of so many agents. */
  readonly roleUnits: number;
  readonly roleAgents: number;
}

/** What holds unless a caller says otherwise. */
export const LEVEL_NEEDS: LevelNeeds = {
  agentUnits: 400,
  agentDays: 7,
  roleUnits: 400,
  roleAgents: 2,
};

/** Profiles by whom they describe. */
export interface Profiles {
  readonly all: readonly InForceProfile[];
  /**
   * Agent, else role, else fleet; the first with enough behind it, else the most general there is, so
   * that nobody whom any profile describes goes unscored. Null: none describes the agent.
   */
  of(head: UnitHead): InForceProfile | null;
}

/** Digest of the template of a mandate; null where there is no mandate. */
export function templateKey(mandate: string | null): number | null {
  return mandate === null || mandate.trim() === '' ? null : hash32(mandateTemplate(mandate));
}

/** Reads `rehearsed` of a profile; null where it holds something else. */
export function rehearsedOf(profile: Profile): Rehearsed | null {
  const { rehearsed } = profile;
  if (typeof rehearsed !== 'object' || rehearsed === null) return null;
  return 'templates' in rehearsed ? (rehearsed as unknown as Rehearsed) : null;
}

/** Compiles profiles. Those of another version of the scores are left out: their scores never mix. */
export function compileProfiles(
  profiles: readonly Profile[],
  rehearsal: Rehearsal | null,
  needs: LevelNeeds = LEVEL_NEEDS,
): Profiles {
  const all = profiles
    .filter(({ scores }) => scores === SCORES_VERSION)
    .map((profile) => compileProfile(profile, rehearsal));
  const bySubject = new Map(all.map((one) => [one.name, one]));
  const fleet = bySubject.get('fleet *') ?? null;
  return {
    all,
    of({ agent, role }) {
      const own = bySubject.get(`agent ${agent}`) ?? null;
      if (own !== null && isEarned(own.profile, needs)) return own;
      const peers = role === null ? null : (bySubject.get(`role ${role}`) ?? null);
      if (peers !== null && isEarned(peers.profile, needs)) return peers;
      return fleet ?? peers ?? own;
    },
  };
}

function isEarned({ level, meta }: Profile, needs: LevelNeeds): boolean {
  if (level === 'agent') return meta.sessions >= needs.agentUnits && meta.days >= needs.agentDays;
  return meta.sessions >= needs.roleUnits && meta.agents >= needs.roleAgents;
}

function compileProfile(profile: Profile, rehearsal: Rehearsal | null): InForceProfile {
  const rehearsed = rehearsedOf(profile);
  const dimensions: ForceDimension[] = [];
  for (const dimension of DIMENSIONS) {
    const counts = profile.dimensions[dimension.name];
    if (counts !== undefined) dimensions.push({ dimension, scorer: dimension.compile([counts]) });
  }
  const document = rehearsed?.conduct ?? null;
  const conduct = document === null ? null : (rehearsal?.compile(document) ?? null);
  return {
    name: `${profile.level} ${profile.subject}`,
    hash: profileHash(profile),
    profile,
    dimensions,
    following: followingOf(dimensions),
    conduct,
    unjudged: rehearsal?.unjudged ?? 0,
    jointName: conduct === null || rehearsal === null ? JOINT : rehearsal.name,
    joint: compileJoint(
      dimensions.map(({ dimension }) => dimension),
      profile.calibration,
    ),
    templates: new Set(rehearsed?.templates ?? []),
  };
}
