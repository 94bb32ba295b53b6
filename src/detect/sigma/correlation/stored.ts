/** Stored groups: hits are written as lists, for names would be most of what is written. */
import type { Kind } from '../../../model/event.ts';
import type { Pack } from '../../../state/slots.ts';
import type { Group } from './group.ts';
import type { KeptHit } from './hit.ts';

/** A hit as it is written. Null stands for what another member says as well. */
type StoredHit = readonly [
  /** Its place among the bases, or the key itself where it is none of them. */
  rule: number | string,
  eventId: string,
  ms: number,
  late: 0 | 1,
  tag: string | null,
  kind: Kind,
  topic: string,
  nativeId: string,
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

/** What types keep of hits beside `kept`; each has some of these. */
interface OwnHits {
  readonly seen?: readonly { readonly kept: Written }[];
  readonly pending?: readonly { readonly hits: readonly Written[] }[];
  readonly closed?: { readonly kept: readonly Written[] } | null;
}

/** How groups of a correlation over `bases` are written. */
export function packing(bases: readonly string[]): Pack {
  const pack = (hit: Written) => packHit(hit, bases);
  return (entity) => {
    const group = entity as Group;
    const { kept, own } = withHits(group, pack);
    return { ...group, kept, own } as Group;
  };
}

/** Makes a restored group what it was before it was written. */
export function unpack(group: Group, bases: readonly string[]): void {
  Object.assign(
    group,
    withHits(group, (hit) => unpackHit(hit, bases)),
  );
}

function withHits(group: Group, code: (hit: Written) => Written) {
  const own: { -readonly [K in keyof OwnHits]: OwnHits[K] } = { ...(group.own as OwnHits) };
  const { seen, pending, closed } = own;
  // Most are empty, and every group of a commit comes by here.
  if (seen !== undefined && seen.length > 0)
    own.seen = seen.map((one) => ({ ...one, kept: code(one.kept) }));
  if (pending !== undefined && pending.length > 0)
    own.pending = pending.map((one) => ({ ...one, hits: one.hits.map(code) }));
  if (closed != null) own.closed = { ...closed, kept: closed.kept.map(code) };
  return { kept: group.kept.map(code), own };
}

function isStored(hit: Written): hit is StoredHit {
  return Array.isArray(hit);
}

function packHit(hit: Written, bases: readonly string[]): Written {
  if (isStored(hit)) return hit;
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
    topic,
    witness.nativeId,
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

function unpackHit(hit: Written, bases: readonly string[]): Written {
  if (!isStored(hit)) return hit;
  const [rule, eventId, ms, late, tag, kind, topic, nativeId, partition, offset, index] = hit;
  const [, , , , , , , , , , , witnessMs, seq, agent, call, tool, tenant, owner, role, session] =
    hit;
  return {
    rule: typeof rule === 'string' ? rule : (bases[rule] as string),
    ...{ eventId, ms, late: late === 1 },
    witness: {
      ...{ kind, topic, nativeId, at: { topic, partition, offset, index } },
      ...{ ms: witnessMs ?? ms, seq, agent, call, tool, digest: null, leaves: null },
    },
    entity: { tenant, agent: owner ?? agent, role, session },
    ...{ tag, from: [] },
  };
}
