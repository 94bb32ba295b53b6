/** What records leave detectors without: evidence, session, fields, sure identities. */
import { derivedField } from '../detect/derived/fields.ts';
import type { Detector } from '../model/detector.ts';
import { EVIDENCE_LEVELS, type Event, type EvidenceLevel, type Kind } from '../model/event.ts';
import { TIER_NEEDED } from '../model/identity.ts';
import type { Clause, SigmaRule } from '../model/sigma.ts';
import { type Disabled, levelOf, tierIn, type Unsure } from './decode-told.ts';

const HOLDS: Readonly<Record<EvidenceLevel, string>> = {
  L0: 'names and times',
  L1: 'digests of arguments',
  L2: 'arguments and mandates',
  L3: 'texts and results',
};

const rankOf = (level: EvidenceLevel) => EVIDENCE_LEVELS.indexOf(level);

/** Detectors that look at these kinds of records and can conclude nothing from such, sorted by stem. */
export function disabledBy(
  events: readonly Event[],
  detectors: readonly Detector[],
): readonly Disabled[] {
  const kinds = new Set(events.map(({ kind }) => kind));
  return detectors
    .filter(({ needs }) => needs.sources.some((kind) => kinds.has(kind)))
    .map((detector) => ({ stem: detector.stem, why: reasonsOf(detector, events) }))
    .filter(({ why }) => why.length > 0)
    .sort((a, b) => (a.stem < b.stem ? -1 : 1));
}

/** Detectors that ask for a surer identity than any of these records has, sorted by stem. */
export function unsureBy(
  events: readonly Event[],
  detectors: readonly Detector[],
): readonly Unsure[] {
  const found: Unsure[] = [];
  for (const { stem, needs } of detectors) {
    const own = events.filter(({ kind }) => needs.sources.includes(kind));
    if (needs.identity === undefined || own.length === 0) continue;
    const reaches = own.reduce((most, event) => Math.max(most, tierIn(event)), 0);
    if (reaches < TIER_NEEDED[needs.identity]) found.push({ stem, needs: needs.identity, reaches });
  }
  return found.sort((a, b) => (a.stem < b.stem ? -1 : 1));
}

function reasonsOf({ needs, kind, sigma }: Detector, events: readonly Event[]): string[] {
  const why: string[] = [];
  const own = events.filter((event) => needs.sources.includes(event.kind));
  const level = highest(own);
  if (rankOf(level) < rankOf(needs.evidence))
    why.push(
      `needs ${needs.evidence} (${HOLDS[needs.evidence]}); these records reach ${level} (${HOLDS[level]})`,
    );
  const acts = own.filter(({ action, reasoning }) => (action ?? reasoning) !== undefined);
  const isPlaced = acts.some(({ session, keys }) => (session ?? keys?.traceId) !== undefined);
  if (kind === 'reconciliation' && acts.length > 0 && !isPlaced)
    why.push('reconciles within a session; these records name neither session nor trace');
  const lacking = sigma === null ? null : lackingIn(sigma.rules, events);
  if (lacking !== null) why.push(`asks for ${lacking.join(', ')}; no record has it`);
  return why;
}

function highest(events: readonly Event[]): EvidenceLevel {
  const rank = events.reduce((most, event) => Math.max(most, rankOf(levelOf(event))), 0);
  return EVIDENCE_LEVELS[rank] as EvidenceLevel;
}

/** Fields without which none of the rules can match; null where one can, or is about other records. */
function lackingIn(rules: readonly SigmaRule[], events: readonly Event[]): string[] | null {
  const lacking = new Set<string>();
  for (const rule of rules) {
    const own = events.filter(({ kind, category }) => isAbout(rule, kind, category));
    if (own.length === 0) return null;
    const missing: string[] = [];
    if (canMatch(rule.condition, rule, own, missing)) return null;
    for (const field of missing) lacking.add(field);
  }
  return lacking.size === 0 ? null : [...lacking].sort();
}

function isAbout({ source }: SigmaRule, kind: Kind, category: string): boolean {
  return (
    (source.service === null || source.service === kind) &&
    (source.category === null || source.category === category)
  );
}

function canMatch(
  clause: Clause,
  rule: SigmaRule,
  events: readonly Event[],
  missing: string[],
): boolean {
  const inner = (one: Clause, into: string[]) => canMatch(one, rule, events, into);
  switch (clause.type) {
    case 'not':
      return true;
    case 'and':
      return clause.items.map((one) => inner(one, missing)).every((can) => can);
    case 'or': {
      const lacking: string[] = [];
      if (clause.items.length === 0 || clause.items.some((one) => inner(one, lacking))) return true;
      missing.push(...lacking);
      return false;
    }
    case 'selection': {
      const selected = rule.selections.find(([name]) => name === clause.name)?.[1];
      return selected === undefined || inner(selected, missing);
    }
    default: {
      const { field, test } = clause;
      const asksForNone = test.type === 'null' || (test.type === 'exists' && !test.present);
      if (field === null || asksForNone || isThere(field, events)) return true;
      missing.push(field);
      return false;
    }
  }
}

function isThere(field: string, events: readonly Event[]): boolean {
  const derived = derivedField(field);
  if (derived !== undefined) return rankOf(derived.level) <= rankOf(highest(events));
  const parts = field.split('.');
  return events.some((event) => reaches(event, parts));
}

/** Is something at the path, across the items of arrays? */
function reaches(value: unknown, parts: readonly string[]): boolean {
  if (Array.isArray(value)) return value.some((one) => reaches(one, parts));
  const [part, ...rest] = parts;
  if (part === undefined) return value !== undefined && value !== null;
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return false;
  return reaches((value as Readonly<Record<string, unknown>>)[part], rest);
}
