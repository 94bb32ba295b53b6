/** Groups: the state of one correlation for one combination of group-by values. */
import { canonicalJson } from '../../../model/canonical-json.ts';
import { idOf } from '../../../model/ids.ts';
import { naming } from '../../../state/names.ts';
import type { Entity } from '../../../state/slot.ts';
import type { CorrelationRule } from './definition.ts';
import { type Firing, type Hit, isSameEvent, type KeptHit, keptEvent } from './hit.ts';

/** A firing that a late hit or a blind source may still take back. */
export interface Fired {
  readonly firing: Firing;
  /** Ids of its hits: events, or firings of the correlations it is built on. */
  readonly rests: readonly string[];
  /** Stretches of time whose emptiness it rests on. */
  readonly empty: readonly Stretch[];
  /** Forgotten after this, ms. */
  readonly untilMs: number;
}

/** From `fromMs` to `toMs`, both included, the rule at `place` must not have been hit. */
export interface Stretch {
  readonly place: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** One group. Plain JSON; `own` belongs to the correlation's type. */
export interface Group<Own = unknown> extends Entity {
  readonly tenant: string;
  readonly values: readonly (string | null)[];
  /** Agent whose event opened it: its quota pays for it. */
  readonly agent: string;
  /** Governance knew that agent by its role: what anybody can make up goes first. Absent: it did not. */
  readonly vouched?: true;
  /** Order in which groups came to their level of progress. */
  stamp: number;
  /** Order in which groups began. */
  born: number;
  /** −1 while on probation, then 0 to 7: how far it is on its way to firing. */
  level: number;
  /** When it is to be looked at, ms; 0: never. */
  dueMs: number;
  /** Newest event, ms. */
  lastMs: number;
  /** The newest hits, oldest first, at most EVIDENCE_MAX. */
  kept: readonly KeptHit[];
  /** A bound was reached: figures may be less exact. */
  approximate: boolean;
  /** Event time of the completing event of the running episode; null where none runs. */
  firedMs: number | null;
  fired: readonly Fired[];
  own: Own;
  /** Last number given to a hit for writing it; not written itself. */
  numbered: number;
}

/** Hits that a firing names as evidence, at most. */
export const EVIDENCE_MAX = 32;
/** Firings of one group that can still be taken back, at most. */
export const FIRED_MAX = 4;
/** Firings can be taken back for so long, and no group is kept longer than this for late hits. */
export const LATE_KEEP_MS = 3_600_000;
const LATE_KEEP_MIN_MS = 600_000;
const VALUE_MAX = 256;

/** What lies further back than this is of no use even for hits that come late, ms. */
export function lateReachMs(timespanMs: number): number {
  return Math.min(LATE_KEEP_MS, Math.max(LATE_KEEP_MIN_MS, timespanMs));
}

/** A value as text: the same number, written as number or string, gives the same. Null: none. */
export function textOf(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  const text = typeof value === 'object' ? canonicalJson(value) : String(value);
  return text.length > VALUE_MAX ? `sha256:${idOf(text)}` : text;
}

/** Field that stands for `name` in events of the rule at `place`: an alias, or the name itself. */
export function fieldAt(rule: CorrelationRule, name: string, place: number): string {
  const fields = Object.hasOwn(rule.aliases, name) ? rule.aliases[name] : undefined;
  const written = rule.rules[place] as string;
  if (fields === undefined || !Object.hasOwn(fields, written)) return name;
  return fields[written] as string;
}

/** Name of a group, unambiguous. */
export function groupKey(tenant: string, values: readonly (string | null)[]): string {
  // Most have one value, and come again with it.
  const [first] = values;
  if (values.length === 1 && typeof first === 'string') return singleKey(tenant, first);
  let key = `${tenant.length}:${tenant}`;
  for (const value of values) key += value === null ? ' -' : ` ${value.length}:${value}`;
  return key;
}

/** What a name of a group was made of. */
export function partsOfKey(key: string): { tenant: string; values: (string | null)[] } {
  const colon = key.indexOf(':');
  let at = colon + 1 + Number(key.slice(0, colon));
  const tenant = key.slice(colon + 1, at);
  const values: (string | null)[] = [];
  while (at < key.length) {
    // A blank, then either `-` or a length, a colon and the value.
    if (key.startsWith(' -', at)) {
      values.push(null);
      at += 2;
      continue;
    }
    const end = key.indexOf(':', at);
    const from = end + 1;
    at = from + Number(key.slice(at + 1, end));
    values.push(key.slice(from, at));
  }
  return { tenant, values };
}

const singleKey = naming((tenant, value) => `${tenant.length}:${tenant} ${value.length}:${value}`);

const NO_HITS: readonly KeptHit[] = [];
const NO_FIRED: readonly Fired[] = [];

/** Levels of progress a group with more than its first hit may have come to. */
export const LEVELS = 8;
/** Places there are in the order of going. */
export const PLACES = 2 * (LEVELS + 1);

/** Where a group stands in the order of going: its level, behind all levels of the others if vouched for. */
export function placeOf({ level, vouched }: Pick<Group, 'level' | 'vouched'>): number {
  return level + 1 + (vouched === true ? LEVELS + 1 : 0);
}

/** A group with nothing in it. */
export function emptyGroup(hit: Hit, values: readonly (string | null)[], own: unknown): Group {
  return {
    tenant: hit.tenant,
    values,
    agent: hit.entity.agent,
    ...(hit.entity.role === null ? {} : { vouched: true as const }),
    stamp: 0,
    born: 0,
    level: -1,
    dueMs: 0,
    lastMs: hit.ms,
    kept: NO_HITS,
    approximate: false,
    firedMs: null,
    fired: NO_FIRED,
    own,
    numbered: 0,
  };
}

/** A hit as it is remembered. Leaves of arguments are left out: they are large, and nobody asks. */
export function keptOf(hit: Hit & { readonly from?: readonly KeptHit[] }): KeptHit {
  const { rule, ms, late, entity, ofEvent } = hit;
  const witness = hit.witness.leaves === null ? hit.witness : { ...hit.witness, leaves: null };
  const kept = { rule, ms, late, witness, entity, tag: null, from: hit.from ?? NO_HITS, number: 0 };
  return ofEvent === undefined ? { ...kept, eventId: hit.eventId } : keptEvent(kept, ofEvent);
}

/** The newest hits with one more, in order of time; of hits with one tag only the newest stays. */
export function keep(kept: readonly KeptHit[], hit: KeptHit): readonly KeptHit[] {
  let others = kept;
  if (hit.tag !== null) {
    const same = kept.findIndex(({ tag }) => tag === hit.tag);
    if (same >= 0 && (kept[same] as KeptHit).ms > hit.ms) return kept;
    if (same >= 0) others = kept.toSpliced(same, 1);
  }
  const more = withItem(others, hit);
  return more.length > EVIDENCE_MAX ? more.slice(1) : more;
}

/**
 * The list with an item behind all that are not later. Lists are made anew: most hold one item or two,
 * and one that grows in place takes room for sixteen more.
 */
export function withItem<T extends { readonly ms: number }>(list: readonly T[], item: T): T[] {
  let at = list.length;
  while (at > 0 && (list[at - 1] as T).ms > item.ms) at -= 1;
  return at === list.length ? appended(list, item) : list.toSpliced(at, 0, item);
}

/** The list with an item at its end. */
export function appended<T extends object>(list: readonly T[], item: T): T[] {
  const [first, second] = list;
  if (first === undefined) return [item];
  if (second === undefined) return [first, item];
  // Two lists are put together faster than a list and an item.
  return list.length === 2 ? [first, second, item] : list.concat([item]);
}

/** Is this event among the newest already? `byRule`: hits of other rules are other hits. */
export function isKept({ kept }: Group, hit: Hit, byRule: boolean): boolean {
  for (let at = kept.length - 1; at >= 0; at -= 1) {
    const one = kept[at] as KeptHit;
    if (one.ms < hit.ms) return false;
    if ((!byRule || one.rule === hit.rule) && isSameEvent(one, hit)) return true;
  }
  return false;
}
