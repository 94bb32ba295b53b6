/** Stored groups: as lists, for names would be most of it, and each of their hits only once. */
import type { Kind } from '../../../model/event.ts';
import { newTable } from '../../../model/table.ts';
import type { Entity, Packing, Parts } from '../../../state/slot.ts';
import { type Fired, type Group, partsOfKey, placeOf } from './group.ts';
import type { KeptHit } from './hit.ts';
import { hitOfText, hitText, numberedId } from './hit-text.ts';
import { Seen } from './search.ts';

/** A hit as it was written before it became a text, and still is where it does not fit into one. */
type ListedHit = readonly [
  /** Its place among the bases, or the key itself where it is none of them. */
  rule: number | string,
  eventId: string,
  ms: number,
  late: 0 | 1,
  tag: string | null,
  kind: Kind,
  /** Null where it is the kind. */
  topic: string | null,
  /** Null where it is the number in the session. */
  nativeId: string | null,
  partition: number,
  offset: number,
  index: number,
  /** Null where it is `ms`. */
  witnessMs: number | null,
  seq: number | null,
  agent: string,
  call: string | null,
  tool: string,
  tenant: string,
  /** Null where it is the agent of the witness. */
  owner: string | null,
  role: string | null,
  session: string | null,
];

/** As a text (see `hitText`), as a list, or by name. */
type Written = KeptHit | ListedHit | string;

/** What is left of a group when its hits are out of it. Where hits were, there are their numbers. */
type StoredRest = readonly [
  agent: string,
  stamp: number,
  born: number,
  /** VOUCHED is added where governance knew the agent. */
  level: number,
  dueMs: number,
  lastMs: number,
  kept: readonly number[],
  /** Without what it has in a new group. */
  own: Readonly<Record<string, unknown>>,
  /** The rest is absent where the group never fired and reached no bound. */
  approximate?: 0 | 1,
  firedMs?: number | null,
  fired?: readonly Fired[],
];

/** As it was written when its key was not yet asked for what it says. */
type ListedRest = readonly [tenant: string, values: Group['values'], ...rest: StoredRest];

interface StoredGroup extends Entity {
  /** A text where the group has nothing but hits and times (see `restText`). */
  readonly g: string | StoredRest | ListedRest;
  /** By number. */
  readonly hits: Readonly<Record<string, Written>>;
}

const NO_NUMBERS: readonly number[] = [];

/** What types keep of hits beside `kept`; each has some of these. */
interface OwnHits {
  readonly seen?: readonly { readonly place: number; readonly kept: KeptHit }[];
  readonly pending?: readonly { readonly hits: readonly KeptHit[] }[];
  readonly closed?: { readonly kept: readonly KeptHit[] } | null;
}

/** The same with numbers for hits. */
interface NumberedHits {
  /** Place and number in turn; once it was a list of pairs. */
  readonly seen?: readonly number[] | readonly (readonly [place: number, hit: number])[];
  readonly pending?: readonly { readonly hits: readonly number[] }[];
  readonly closed?: { readonly kept: readonly number[] } | null;
}

const VOUCHED = 100;

/** What orders and timers of groups are rebuilt from, without reading the groups. */
export type GroupHead = readonly [
  tenant: string,
  agent: string,
  stamp: number,
  born: number,
  /** In the order of going. */
  place: number,
  dueMs: number,
  /** Does a firing of it stand that may be taken back? */
  standing: 0 | 1,
];

/** How groups of a correlation over `bases` are written; `create`: what a new one has of its own. */
export function packing(bases: readonly string[], create: () => unknown): Packing {
  const usual = create() as Readonly<Record<string, unknown>>;
  return {
    whole: (entity) => {
      const hits: Record<string, Written> = {};
      const g = restOf(entity as Group, usual, (hit) => {
        hits[hit.number] = packHit(hit, bases, entity as Group);
      });
      return { g, hits } as Entity;
    },
    changed: (entity) => {
      const hits: Parts = {};
      const g = restOf(entity as Group, usual, (hit, isNew) => {
        if (isNew) hits[hit.number] = packHit(hit, bases, entity as Group);
      });
      return [{ g } as Entity, { hits }];
    },
    head: (entity): GroupHead => {
      const { tenant, agent, stamp, born, dueMs, fired } = entity as Group;
      const place = placeOf(entity as Group);
      return [tenant, agent, stamp, born, place, dueMs, fired.length > 0 ? 1 : 0];
    },
    restored: (stored, key) => unpacked(key, stored, bases, create),
  };
}

/** The rest of a group; `met` is told of every hit in it, and whether it got its number just now. */
function restOf(
  group: Group,
  usual: Readonly<Record<string, unknown>>,
  met: (hit: KeptHit, isNew: boolean) => void,
): StoredGroup['g'] {
  const numberOf = (hit: KeptHit): number => {
    const isNew = hit.number === 0;
    if (isNew) {
      group.numbered += 1;
      hit.number = group.numbered;
    }
    met(hit, isNew);
    return hit.number;
  };
  const { agent, stamp, born, dueMs, lastMs, approximate, firedMs, fired } = group;
  const hasFired = approximate || firedMs !== null || fired.length > 0;
  if (!hasFired && isPlain(group, usual)) return restText(group, numberOf);
  const kept = group.kept.length === 0 ? NO_NUMBERS : group.kept.map(numberOf);
  const own = ownOf(group.own as Readonly<Record<string, unknown>>, usual, numberOf);
  const head = [agent, stamp, born, rankOf(group), dueMs, lastMs, kept, own] as const;
  if (!hasFired) return head;
  return [...head, approximate ? 1 : 0, firedMs, fired];
}

/** Level of a group, and whether it is vouched for, as one number. */
function rankOf({ level, vouched }: Group): number {
  return level + (vouched === true ? VOUCHED : 0);
}

const CUT = '|';

/** Is there nothing of its own but what was seen? */
function isPlain({ own, agent }: Group, usual: Readonly<Record<string, unknown>>): boolean {
  const all = own as Readonly<Record<string, unknown>>;
  for (const name in all) if (name !== 'seen' && !isUsual(all[name], usual[name])) return false;
  return !agent.includes(CUT);
}

/** Agent, numbers, kept hits, and what was seen as place and number in turn: with strokes between. */
function restText(group: Group, numberOf: (hit: KeptHit) => number): string {
  const { agent, stamp, born, dueMs, lastMs, kept } = group;
  const { seen } = group.own as OwnHits;
  // In short pieces: a long text that grows bit by bit is many texts on the way.
  const head = `${agent}|${stamp}|`;
  const place = `${born}|${rankOf(group)}|`;
  let hits = '';
  for (const hit of kept) hits += ` ${numberOf(hit)}`;
  hits += CUT;
  for (const one of seen ?? []) hits += ` ${one.place} ${numberOf(one.kept)}`;
  return `${head + place}${dueMs}|${lastMs}|${hits}`;
}

/** What a text was made of. */
function restOfText(text: string): StoredRest {
  const [agent = '', stamp, born, level, dueMs, lastMs, kept, seen] = text.split(CUT);
  const numbers = (list: string | undefined) => list?.split(' ').slice(1).map(Number) ?? [];
  const own = seen === undefined || seen === '' ? {} : { seen: numbers(seen) };
  return [
    agent,
    ...([Number(stamp), Number(born), Number(level), Number(dueMs), Number(lastMs)] as const),
    ...([numbers(kept), own] as const),
  ];
}

function ownOf(
  own: Readonly<Record<string, unknown>> & OwnHits,
  usual: Readonly<Record<string, unknown>>,
  numberOf: (hit: KeptHit) => number,
): Record<string, unknown> {
  const written: Record<string, unknown> = newTable();
  for (const name in own) if (!isUsual(own[name], usual[name])) written[name] = own[name];
  const { seen, pending, closed } = own;
  if (seen !== undefined && seen.length > 0) {
    const numbers: number[] = [];
    for (const { place, kept } of seen) numbers.push(place, numberOf(kept));
    written['seen'] = numbers;
  }
  if (pending !== undefined && pending.length > 0)
    written['pending'] = pending.map((one) => ({ ...one, hits: one.hits.map(numberOf) }));
  if (closed != null) written['closed'] = { ...closed, kept: closed.kept.map(numberOf) };
  return written;
}

/** Is it what a new group has there: the same plain value, or nothing in a list? */
function isUsual(value: unknown, usual: unknown): boolean {
  if (value === usual) return true;
  return Array.isArray(value) && value.length === 0 && Array.isArray(usual) && usual.length === 0;
}

/**
 * The group that a stored entity is. `key`: under which it is stored; `create` makes what a new one has
 * of its own.
 */
export function unpacked(
  key: string,
  entity: Entity,
  bases: readonly string[],
  create: () => unknown,
): Group {
  if (!isStoredGroup(entity)) return byName(entity as Group, bases);
  const { g } = entity;
  const of = isListed(g) ? { tenant: g[0], values: g[1] } : partsOfKey(key);
  const rest = restIn(g);
  const [agent, stamp, born, rank, dueMs, lastMs, kept, own, approximate, firedMs, fired] = rest;
  const hits = new Map<number, KeptHit>();
  let numbered = 0;
  for (const name of Object.keys(entity.hits)) {
    const number = Number(name);
    const hit = unpackHit(entity.hits[name] as Written, bases, { ...of, agent });
    hit.number = number;
    hits.set(number, hit);
    numbered = Math.max(numbered, number);
  }
  const hitOf = (number: number) => hits.get(number) as KeptHit;
  // A group on probation has the level −1.
  const isVouched = rank >= VOUCHED - 1;
  return {
    ...{ ...of, agent },
    ...(isVouched ? { vouched: true as const } : {}),
    ...{ stamp, born, level: rank - (isVouched ? VOUCHED : 0), dueMs, lastMs },
    kept: kept.map(hitOf),
    approximate: approximate === 1,
    firedMs: firedMs ?? null,
    fired: [...(fired ?? [])],
    own: { ...(create() as object), ...own, ...ownHits(own as NumberedHits, hitOf) },
    numbered,
  };
}

function isListed(g: StoredGroup['g']): g is ListedRest {
  return Array.isArray(g) && Array.isArray(g[1]);
}

function restIn(g: StoredGroup['g']): StoredRest {
  if (typeof g === 'string') return restOfText(g);
  return isListed(g) ? (g.slice(2) as unknown as StoredRest) : g;
}

function isStoredGroup(entity: Entity): entity is StoredGroup {
  return Object.hasOwn(entity, 'g');
}

function ownHits(own: NumberedHits, hitOf: (number: number) => KeptHit): object {
  const { seen, pending, closed } = own;
  const found: Record<string, unknown> = {};
  if (seen !== undefined)
    found['seen'] = pairsOf(seen).map(([place, number]) => new Seen(place, hitOf(number)));
  if (pending !== undefined)
    found['pending'] = pending.map((one) => ({ ...one, hits: one.hits.map(hitOf) }));
  if (closed != null) found['closed'] = { ...closed, kept: closed.kept.map(hitOf) };
  return found;
}

function pairsOf(
  seen: NonNullable<NumberedHits['seen']>,
): readonly (readonly [place: number, hit: number])[] {
  if (typeof seen[0] !== 'number') return seen as readonly (readonly [number, number])[];
  const numbers = seen as readonly number[];
  const pairs: [number, number][] = [];
  for (let at = 0; at < numbers.length; at += 2)
    pairs.push([numbers[at] as number, numbers[at + 1] as number]);
  return pairs;
}

/** A group that is unpacked already, or was written by name, as they once were. */
function byName(group: Group, bases: readonly string[]): Group {
  if (group.numbered !== undefined) return group;
  const read = (hit: Written) => unpackHit(hit, bases, group);
  const own = { ...(group.own as OwnHits) } as Record<string, unknown>;
  const { seen, pending, closed } = own as OwnHits;
  if (seen !== undefined) own['seen'] = seen.map(({ place, kept }) => new Seen(place, read(kept)));
  if (pending !== undefined)
    own['pending'] = pending.map((one) => ({ ...one, hits: one.hits.map(read) }));
  if (closed != null) own['closed'] = { ...closed, kept: closed.kept.map(read) };
  return { ...group, kept: group.kept.map(read), own, numbered: 0 };
}

/** What a hit may have in common with its group. */
type Common = Pick<Group, 'tenant' | 'values' | 'agent'>;

function packHit(hit: KeptHit, bases: readonly string[], group: Common): Written {
  const { witness } = hit;
  // Firings of other correlations, and witnesses that say more than an event does, are rare.
  if (hit.from.length > 0 || witness.digest !== null || witness.given !== undefined) return hit;
  if (witness.leaves !== null || witness.at.topic !== witness.topic) return hit;
  const place = bases.indexOf(hit.rule);
  return place < 0 ? hit : (hitText(hit, place, group) ?? hit);
}

function unpackHit(hit: Written, bases: readonly string[], group: Common): KeptHit {
  if (typeof hit === 'string') return hitOfText(hit, bases, group);
  if (!isListedHit(hit)) return { ...hit, number: 0 };
  const [rule, eventId, ms, late, tag, kind, named, id, partition, offset, index] = hit;
  const [, , , , , , , , , , , witnessMs, seq, agent, call, tool, tenant, owner, role, session] =
    hit;
  const topic = named ?? kind;
  const nativeId = id ?? numberedId(session, seq);
  return {
    rule: typeof rule === 'string' ? rule : (bases[rule] as string),
    ...{ eventId, ms, late: late === 1 },
    witness: {
      ...{ kind, topic, nativeId, at: { topic, partition, offset, index } },
      ...{ ms: witnessMs ?? ms, seq, agent, call, tool, digest: null, leaves: null },
    },
    entity: { tenant, agent: owner ?? agent, role, session },
    ...{ tag, from: [], number: 0 },
  };
}

function isListedHit(hit: KeptHit | ListedHit): hit is ListedHit {
  return Array.isArray(hit);
}
