/** Stored groups: as lists, for names would be most of it, and each of their hits only once. */
import type { Kind } from '../../../model/event.ts';
import type { Entity, Packing, Parts } from '../../../state/slots.ts';
import type { Fired, Group } from './group.ts';
import type { KeptHit } from './hit.ts';
import { sourceOf } from './search.ts';

/** A hit as it is written. Null stands for what another member says as well. */
type StoredHit = readonly [
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

type Written = KeptHit | StoredHit;

/** What is left of a group when its hits are out of it. Where hits were, there are their numbers. */
type StoredRest = readonly [
  tenant: string,
  values: Group['values'],
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

interface StoredGroup extends Entity {
  readonly g: StoredRest;
  /** By number. */
  readonly hits: Readonly<Record<string, Written>>;
}

/** What types keep of hits beside `kept`; each has some of these. */
interface OwnHits {
  readonly seen?: readonly { readonly place: number; readonly kept: KeptHit }[];
  readonly pending?: readonly { readonly hits: readonly KeptHit[] }[];
  readonly closed?: { readonly kept: readonly KeptHit[] } | null;
}

/** The same with numbers for hits. */
interface NumberedHits {
  readonly seen?: readonly (readonly [place: number, hit: number])[];
  readonly pending?: readonly { readonly hits: readonly number[] }[];
  readonly closed?: { readonly kept: readonly number[] } | null;
}

const VOUCHED = 100;

/** How groups of a correlation over `bases` are written; `fresh`: what a new one has of its own. */
export function packing(bases: readonly string[], fresh: unknown): Packing {
  const usual = fresh as Readonly<Record<string, unknown>>;
  return {
    whole: (entity) => {
      const hits: Record<string, Written> = {};
      const g = restOf(entity as Group, usual, (hit) => {
        hits[hit.number] = packHit(hit, bases);
      });
      return { g, hits } as Entity;
    },
    changed: (entity) => {
      const hits: Parts = {};
      const g = restOf(entity as Group, usual, (hit, isNew) => {
        if (isNew) hits[hit.number] = packHit(hit, bases);
      });
      return [{ g } as Entity, { hits }];
    },
  };
}

/** The rest of a group; `met` is told of every hit in it, and whether it got its number just now. */
function restOf(
  group: Group,
  usual: Readonly<Record<string, unknown>>,
  met: (hit: KeptHit, isNew: boolean) => void,
): StoredRest {
  const numberOf = (hit: KeptHit): number => {
    const isNew = hit.number === 0;
    if (isNew) {
      group.numbered += 1;
      hit.number = group.numbered;
    }
    met(hit, isNew);
    return hit.number;
  };
  const { tenant, values, agent, stamp, born, level, dueMs, lastMs, approximate, firedMs, fired } =
    group;
  const kept = group.kept.map(numberOf);
  const own = ownOf(group.own as Readonly<Record<string, unknown>>, usual, numberOf);
  const standing = level + (group.vouched === true ? VOUCHED : 0);
  const head = [tenant, values, agent, stamp, born, standing, dueMs, lastMs, kept, own] as const;
  if (!approximate && firedMs === null && fired.length === 0) return head;
  return [...head, approximate ? 1 : 0, firedMs, fired];
}

function ownOf(
  own: Readonly<Record<string, unknown>> & OwnHits,
  usual: Readonly<Record<string, unknown>>,
  numberOf: (hit: KeptHit) => number,
): Record<string, unknown> {
  const written: Record<string, unknown> = {};
  for (const name in own) if (!isUsual(own[name], usual[name])) written[name] = own[name];
  const { seen, pending, closed } = own;
  if (seen !== undefined && seen.length > 0)
    written['seen'] = seen.map(({ place, kept }) => [place, numberOf(kept)]);
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

/** The group that a stored entity is; `create` makes what a new one has of its own. */
export function unpacked(entity: Entity, bases: readonly string[], create: () => unknown): Group {
  if (!isStoredGroup(entity)) return byName(entity as Group, bases);
  const [tenant, values, agent, stamp, born, standing, dueMs, lastMs, kept, own] = entity.g;
  const [, , , , , , , , , , approximate, firedMs, fired] = entity.g;
  const hits = new Map<number, KeptHit>();
  let numbered = 0;
  for (const name of Object.keys(entity.hits)) {
    const number = Number(name);
    const hit = unpackHit(entity.hits[name] as Written, bases);
    hit.number = number;
    hits.set(number, hit);
    numbered = Math.max(numbered, number);
  }
  const hitOf = (number: number) => hits.get(number) as KeptHit;
  const isVouched = standing >= VOUCHED - 1;
  return {
    ...{ tenant, values, agent, stamp, born, dueMs, lastMs },
    ...(isVouched ? { vouched: true } : {}),
    level: standing - (isVouched ? VOUCHED : 0),
    kept: kept.map(hitOf),
    approximate: approximate === 1,
    firedMs: firedMs ?? null,
    fired: [...(fired ?? [])],
    own: { ...(create() as object), ...own, ...ownHits(own as NumberedHits, hitOf) },
    numbered,
  };
}

function isStoredGroup(entity: Entity): entity is StoredGroup {
  return Object.hasOwn(entity, 'g');
}

function ownHits(own: NumberedHits, hitOf: (number: number) => KeptHit): object {
  const { seen, pending, closed } = own;
  const found: Record<string, unknown> = {};
  if (seen !== undefined)
    found['seen'] = seen.map(([place, number]) => {
      const kept = hitOf(number);
      return { place, ms: kept.ms, source: sourceOf(kept), kept };
    });
  if (pending !== undefined)
    found['pending'] = pending.map((one) => ({ ...one, hits: one.hits.map(hitOf) }));
  if (closed != null) found['closed'] = { ...closed, kept: closed.kept.map(hitOf) };
  return found;
}

/** A group that is unpacked already, or was written by name, as they once were. */
function byName(group: Group, bases: readonly string[]): Group {
  if (group.numbered !== undefined) return group;
  const read = (hit: Written) => unpackHit(hit, bases);
  const own = { ...(group.own as OwnHits) } as Record<string, unknown>;
  const { seen, pending, closed } = own as OwnHits;
  if (seen !== undefined) own['seen'] = seen.map((one) => ({ ...one, kept: read(one.kept) }));
  if (pending !== undefined)
    own['pending'] = pending.map((one) => ({ ...one, hits: one.hits.map(read) }));
  if (closed != null) own['closed'] = { ...closed, kept: closed.kept.map(read) };
  return { ...group, kept: group.kept.map(read), own, numbered: 0 };
}

function packHit(hit: KeptHit, bases: readonly string[]): Written {
  const { witness, entity } = hit;
  // Firings of other correlations, and witnesses that say more than an event does, are rare.
  if (hit.from.length > 0 || witness.digest !== null || witness.given !== undefined) return hit;
  if (witness.leaves !== null) return hit;
  const place = bases.indexOf(hit.rule);
  const { topic, partition, offset, index } = witness.at;
  if (topic !== witness.topic) return hit;
  return [
    place < 0 ? hit.rule : place,
    hit.eventId,
    hit.ms,
    hit.late ? 1 : 0,
    hit.tag,
    witness.kind,
    topic === witness.kind ? null : topic,
    witness.nativeId === numberedId(entity.session, witness.seq) ? null : witness.nativeId,
    partition,
    offset,
    index,
    witness.ms === hit.ms ? null : witness.ms,
    witness.seq,
    witness.agent,
    witness.call,
    witness.tool,
    entity.tenant,
    entity.agent === witness.agent ? null : entity.agent,
    entity.role,
    entity.session,
  ];
}

function unpackHit(hit: Written, bases: readonly string[]): KeptHit {
  if (!isStoredHit(hit)) return { ...hit, number: 0 };
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

/** Identity of an event that its place in the session identifies (src/source). */
function numberedId(session: string | null, seq: number | null): string {
  return `session/${session}/${seq}`;
}

function isStoredHit(hit: Written): hit is StoredHit {
  return Array.isArray(hit);
}
