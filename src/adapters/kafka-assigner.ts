/** The co-partitioning assigner: partition i of every topic goes to the same member. */
import { randomBytes } from 'node:crypto';
import { OperatingError } from '../model/errors.ts';
import type { TopicPartition } from '../model/ports.ts';

/** A member of the group and the partition numbers it held before this rebalance. */
export interface GroupMember {
  readonly id: string;
  readonly held: readonly number[];
}

/** Partition numbers per topic, as one member gets them. */
export type MemberAssignment = Readonly<Record<string, number[]>>;

const USER_DATA_VERSION = 1;
// 8,191 bytes of bitmap: more partitions than a broker of ours will ever lead.
const HELD_PARTITION_MAX = 65_528;

/** Packs partition numbers as a bitmap, so that a member can tell the leader what it held. */
export function encodeHeld(partitions: readonly number[]): Buffer {
  const bounded = partitions.filter((partition) => partition < HELD_PARTITION_MAX);
  const highest = Math.max(-1, ...bounded);
  const bytes = Buffer.alloc(1 + Math.ceil((highest + 1) / 8));
  bytes[0] = USER_DATA_VERSION;
  for (const partition of bounded) {
    const at = 1 + (partition >> 3);
    bytes[at] = (bytes[at] ?? 0) | (1 << (partition & 7));
  }
  return bytes;
}

/** Reads what `encodeHeld` wrote. Anything else, from another version or a stranger: no partitions. */
export function decodeHeld(bytes: Buffer): number[] {
  const held: number[] = [];
  if (bytes[0] !== USER_DATA_VERSION || bytes.length > 1 + HELD_PARTITION_MAX / 8) return held;
  for (let at = 1; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      if (((bytes[at] ?? 0) & (1 << bit)) !== 0) held.push((at - 1) * 8 + bit);
    }
  }
  return held;
}

/** How a group shares out partitions: what each member says of itself, and who gets what. */
export interface Sharing {
  /** Name of the protocol; all members of a group must offer the same. */
  readonly name: string;
  /** What this member tells the one that shares out. */
  say(): Buffer;
  /** Runs in one member, for all. */
  share(
    counts: ReadonlyMap<string, number>,
    members: readonly { readonly id: string; readonly said: Buffer }[],
  ): Map<string, MemberAssignment>;
}

/** Partition i of every topic to the same member; `held` are the numbers this member has now. */
export function coPartitioned(held: () => readonly number[]): Sharing {
  return {
    name: 'co-partitioned',
    say: () => encodeHeld(held()),
    share: (counts, members) =>
      coPartition(
        counts,
        members.map(({ id, said }) => ({ id, held: decodeHeld(said) })),
      ),
  };
}

/**
 * Everything to one member and nothing to the others: a lane is whole or not at all. Whoever shares
 * out is alive, so it takes everything itself; a member that died lately is still listed, and what
 * it were given would be read by nobody until its session ends.
 */
export function whole(): Sharing {
  const mark = randomBytes(16);
  return {
    name: 'whole',
    say: () => mark,
    share: (counts, members) =>
      new Map(members.map(({ id, said }) => [id, said.equals(mark) ? takeEverything(counts) : {}])),
  };
}

/**
 * Partitions of topics that have nothing to do with each other: evenly among the members, moving as
 * few as that allows. `held`: those this member has now.
 */
export function spread(held: () => readonly TopicPartition[]): Sharing {
  return {
    name: 'spread',
    say: () => encodeNames(held()),
    share: (counts, members) => {
      const all = [...counts]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .flatMap(([topic, count]) =>
          Array.from({ length: count }, (_, partition) => ({ topic, partition })),
        );
      const placeOf = new Map(all.map((at, place) => [nameOf(at), place]));
      const known = members.map(({ id, said }) => ({
        id,
        held: [...new Set(decodeNames(said).flatMap((name) => placeOf.get(name) ?? []))],
      }));
      const result = new Map<string, MemberAssignment>();
      for (const [id, places] of shareOut(all.length, known)) {
        const assignment: Record<string, number[]> = {};
        for (const place of places) {
          const { topic, partition } = all[place] as TopicPartition;
          assignment[topic] = [...(assignment[topic] ?? []), partition];
        }
        result.set(id, assignment);
      }
      return result;
    },
  };
}

const NAMES_BYTES_MAX = 65_536;

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

/** Names, a line each; what goes beyond the bound is not kept in place. */
function encodeNames(held: readonly TopicPartition[]): Buffer {
  const lines: string[] = [];
  let bytes = 1;
  for (const at of held) {
    bytes += nameOf(at).length + 1;
    if (bytes > NAMES_BYTES_MAX) break;
    lines.push(nameOf(at));
  }
  return Buffer.concat([Buffer.from([USER_DATA_VERSION]), Buffer.from(lines.join('\n'))]);
}

/** Reads what `encodeNames` wrote. Anything else: no names. */
function decodeNames(bytes: Buffer): string[] {
  if (bytes[0] !== USER_DATA_VERSION || bytes.length > NAMES_BYTES_MAX) return [];
  return bytes.length === 1 ? [] : bytes.toString('utf8', 1).split('\n');
}

/**
 * Shares out partition numbers: balanced to within one, and moving as few as balance allows.
 * A single member gets everything, whatever the counts. Throws OperatingError BROKER_LAYOUT when
 * there are several members and the topics differ in their number of partitions: partition i of
 * one topic would then have no counterpart, and an agent's records would meet in no lane.
 */
export function coPartition(
  counts: ReadonlyMap<string, number>,
  members: readonly GroupMember[],
): Map<string, MemberAssignment> {
  const [only] = members;
  if (only !== undefined && members.length === 1) {
    return new Map([[only.id, takeEverything(counts)]]);
  }
  const lanes = laneCount(counts);
  const shares = shareOut(lanes, members);
  const result = new Map<string, MemberAssignment>();
  for (const [id, partitions] of shares) {
    const assignment: Record<string, number[]> = {};
    if (partitions.length > 0) {
      for (const topic of counts.keys()) assignment[topic] = [...partitions];
    }
    result.set(id, assignment);
  }
  return result;
}

function takeEverything(counts: ReadonlyMap<string, number>): MemberAssignment {
  const assignment: Record<string, number[]> = {};
  for (const [topic, count] of counts) {
    assignment[topic] = Array.from({ length: count }, (_, partition) => partition);
  }
  return assignment;
}

function laneCount(counts: ReadonlyMap<string, number>): number {
  const distinct = new Set(counts.values());
  if (distinct.size <= 1) return [...distinct][0] ?? 0;
  const table = [...counts].map(([topic, count]) => `${topic}=${count}`).join(', ');
  throw new OperatingError(
    'BROKER_LAYOUT',
    `topics differ in their number of partitions (${table}), so they cannot be shared among ` +
      'several members: run one instance, or recreate the topics with equal counts',
    { retryable: false },
  );
}

function shareOut(lanes: number, members: readonly GroupMember[]): Map<string, number[]> {
  const sorted = [...members].sort((a, b) => (a.id < b.id ? -1 : 1));
  const floor = Math.floor(lanes / sorted.length);
  let roomForMore = lanes % sorted.length;
  const free = new Set(Array.from({ length: lanes }, (_, lane) => lane));
  const shares = new Map<string, number[]>();
  for (const member of sorted) {
    const wanted = member.held.filter((lane) => free.has(lane));
    const quota = roomForMore > 0 && wanted.length > floor ? floor + 1 : floor;
    if (quota > floor) roomForMore -= 1;
    const kept = wanted.slice(0, quota);
    for (const lane of kept) free.delete(lane);
    shares.set(member.id, kept);
  }
  const rest = [...free];
  for (const share of shares.values()) {
    while (share.length < floor && rest.length > 0) share.push(rest.shift() as number);
  }
  for (const share of shares.values()) {
    if (roomForMore > 0 && share.length === floor && rest.length > 0) {
      share.push(rest.shift() as number);
      roomForMore -= 1;
    }
  }
  for (const share of shares.values()) share.sort((a, b) => a - b);
  return shares;
}
