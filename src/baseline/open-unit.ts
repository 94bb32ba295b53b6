/** Open unit: what is remembered of a unit while it is open, and what it comes to. */
import type { Kind } from '../model/event.ts';
import type { EventFact, WitnessRecord } from '../model/fact.ts';
import type { UnitReading } from '../model/reading.ts';
import type { CallItem, UnitHead, UnitItem } from '../model/unit.ts';
import type { Json } from './dimension.ts';
import { type InForceProfile, templateKey } from './in-force.ts';
import { hasArguments, hasContent } from './items.ts';

/** What is known of an open unit. Plain JSON. */
export interface OpenUnit {
  readonly id: string;
  /** Hash of the document it is judged by. */
  readonly basis: string;
  /** How it is remembered: a unit of another form was stored by another version of the product. */
  readonly form: number;
  /** Do tasks like this one stand in the baseline? Half of a cell's name. */
  readonly seen: 'seen' | 'unseen';
  actions: number;
  /** Evidence level seen so far. */
  level: 'L0' | 'L2' | 'L3';
  isLate: boolean;
  blind: Kind[];
  /** State and running score by dimension, in the order of the profile. */
  readonly states: Json[];
  readonly scores: (number | null)[];
  conduct: object | null;
  /** The call at which the unit was strangest; the last one where no rehearsed score says. */
  witness: WitnessRecord | null;
}

/** Changes whenever the state of a dimension or of conduct does. */
export const UNIT_FORM = 3;
const BECAUSE_MAX = 8;
const LEVEL_RANK = { L0: 0, L1: 1, L2: 2, L3: 3 } as const;

/** A unit that begins now. */
export function beginUnit(head: UnitHead, profile: InForceProfile, ms: number): OpenUnit {
  const { states, scores } = profile.following.begin(head);
  return {
    id: `${head.session}@${ms}`,
    basis: profile.hash,
    form: UNIT_FORM,
    seen: seenOf(head, profile),
    actions: 0,
    level: 'L0',
    isLate: false,
    blind: [],
    states,
    scores,
    conduct: profile.conduct?.begin(head) ?? null,
    witness: null,
  };
}

/** Takes an item into a unit. `witness`: the record of the call, where it is one. */
export function take(
  unit: OpenUnit,
  profile: InForceProfile,
  item: UnitItem,
  witness: WitnessRecord | null,
  isLate: boolean,
): void {
  if (isLate) unit.isLate = true;
  if (hasContent(item)) unit.level = 'L3';
  else if (unit.level === 'L0' && hasArguments(item)) unit.level = 'L2';
  profile.following.see(unit, item);
  if (profile.conduct === null || unit.conduct === null) {
    unit.witness = witness ?? unit.witness;
    return;
  }
  unit.witness ??= witness;
  const scored = profile.conduct.see(unit.conduct, item);
  if (scored?.isMost === true && witness !== null) unit.witness = witness;
}

/** Scores as they stand: running ones so far, closing ones only at the close. */
export function scoresOf(
  unit: OpenUnit,
  profile: InForceProfile,
  isClosed: boolean,
): (number | null)[] {
  return profile.dimensions.map(({ dimension, scorer }, at) => {
    if (LEVEL_RANK[unit.level] < LEVEL_RANK[dimension.needs]) return null;
    if (dimension.timing === 'running') return unit.scores[at] ?? null;
    return isClosed ? scorer.close(unit.states[at] as Json) : null;
  });
}

function seenOf(head: UnitHead, profile: InForceProfile): 'seen' | 'unseen' {
  const template = templateKey(head.mandate);
  return template !== null && profile.templates.has(template) ? 'seen' : 'unseen';
}

/** Score of the unit as a whole, so far or at its close. */
export function jointOf(
  unit: OpenUnit,
  profile: InForceProfile,
  seen: 'seen' | 'unseen',
  scores: readonly (number | null)[],
  isClosed: boolean,
): UnitReading['readings']['joint'] {
  const { conduct, jointName } = profile;
  if (conduct === null || unit.conduct === null)
    return { dimension: jointName, cell: `L0/${seen}`, score: profile.joint(seen, scores) };
  const cell = conduct.cellOf(unit.conduct);
  const score = conduct.scoreOf(unit.conduct);
  return { dimension: jointName, cell, score: score ?? (isClosed ? profile.unjudged : null) };
}

/** What made the unit strange, in sentences: as a whole, and in the dimensions named. */
export function sentencesOf(
  unit: OpenUnit,
  profile: InForceProfile,
  names: readonly string[],
): readonly string[] {
  const found: string[] = [];
  const { conduct } = profile;
  if (conduct !== null && unit.conduct !== null)
    found.push(...conduct.becauseOf(unit.conduct).slice(0, BECAUSE_MAX));
  for (const name of names) {
    const at = profile.dimensions.findIndex(({ dimension }) => dimension.name === name);
    const own = profile.dimensions[at];
    if (own !== undefined) found.push(`${name}: ${own.scorer.say(unit.states[at] as Json)}`);
  }
  return found;
}

/** The record of a call. */
export function witnessOf(fact: EventFact, item: CallItem): WitnessRecord {
  const { event } = fact;
  const { topic, partition, offset, index } = event.src;
  return {
    kind: event.kind,
    topic,
    nativeId: event.nativeId,
    at: { topic, partition, offset, index },
    ms: item.ms,
    seq: item.seq,
    agent: fact.agent,
    call: event.keys?.toolCallId ?? null,
    tool: item.tool,
    digest: null,
    leaves: null,
  };
}
