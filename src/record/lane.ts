/** The lane: claiming its state, and committing a step in one fenced transaction. */
import type { LaneCommit, LanePosition, LaneState, StoredParts } from '../model/effects.ts';
import { assert, OperatingError } from '../model/errors.ts';
import type { CopiedRow, Copy, Database, Query, Row, TopicPartition } from '../model/ports.ts';
import { writeUnits } from './casework.ts';
import { writeEffects } from './effects.ts';
import { appendJournal } from './journal.ts';
import { jsonOf, numberOf, numberOrNull, onlyRow, textOf } from './row.ts';
import { packState, unpackState } from './state-bytes.ts';
import { cleanKey, storableJson, wholeOrNull } from './text.ts';
import { insertWindows } from './windows.ts';

/** Takes some of the stored state; resolves when the next part may come. */
type Take = (parts: StoredParts) => Promise<void>;

/** What a claim is made for. */
export interface LaneClaimRequest {
  readonly group: string;
  readonly lane: number;
  /** Name of the process, for people. */
  readonly owner: string;
  readonly topicPartitions: readonly TopicPartition[];
  /** How the group is cut into lanes; absent: it is one. */
  readonly layout?: LaneLayout;
  /** How many pages the state is cut into; must not change over the life of a lane. */
  readonly pages: number;
  /**
   * Takes what is read while the rest of it is: every page before the first delta, deltas in order. It is
   * for nothing where the claim then fails. Absent: all of it is in what the claim resolves to.
   */
  readonly take?: Take;
}

/** How a group is cut into lanes. Must not change over the life of a group. */
export interface LaneLayout {
  readonly lanes: number;
  /** Internal topic, of which each lane is a partition. */
  readonly topic: string;
  /** What decides whose an event is. */
  readonly key: string;
}

/** The right to write to a lane, until somebody else claims it. */
export interface LaneClaim {
  readonly group: string;
  readonly lane: number;
  readonly epoch: number;
  readonly pages: number;
  /** Sequence of the last commit; `commitLane` moves it on. */
  seq: number;
}

/** A claimed lane with all it held. */
export interface ClaimedLane {
  readonly claim: LaneClaim;
  readonly epoch: number;
  readonly state: LaneState;
  /** Watermark of the last commit; null for a new lane. */
  readonly watermarkMs: number | null;
  readonly counters: Readonly<Record<string, number>>;
}

const NEW_LANE = `insert into lane (consumer_group, lane) values ($1, $2) on conflict do nothing`;
const TAKE_LANE = `update lane set owner_epoch = owner_epoch + 1, owner = $3, claimed_at = now()
  where consumer_group = $1 and lane = $2 returning owner_epoch, seq, watermark_ms, counters`;
const NEW_PROGRESS = `insert into progress (consumer_group, lane, topic, partition)
  select $1, $2, topic, partition from unnest($3::text[], $4::int[]) as p (topic, partition)
  order by topic, partition on conflict (consumer_group, lane, topic, partition) do nothing`;
const LOCK_PROGRESS = `select p.topic, p.partition, p.low_offset, p.next_offset, p.incarnation,
    p.bookmark_offset, p.bookmark_ms, p.bookmark_sha
  from progress p
  join (select distinct topic, partition from unnest($3::text[], $4::int[]) as w (topic, partition))
    as wanted on wanted.topic = p.topic and wanted.partition = p.partition
  where p.consumer_group = $1 and p.lane = $2 order by p.topic, p.partition for update of p`;
const TAKE_PROGRESS = `update progress set owner_epoch = $3, owner = $4, claimed_at = now()
  where consumer_group = $1 and lane = $2`;
const NEW_LAYOUT = `insert into lane_layout (consumer_group, lanes, topic, lane_key)
  values ($1, $2, $3, $4) on conflict do nothing`;
const LAYOUT = `select lanes, topic, lane_key from lane_layout where consumer_group = $1`;
const PAGE_SPAN = `select count(*) as pages, min(upto_seq) as seq from state_page
  where consumer_group = $1 and lane = $2`;
// A few at a time, for a state may be gigabytes. What is copied takes no parameters, so the transaction
// keeps them, and where it stands: the next rows are asked for in one go.
const BEGIN_COPIES = `select set_config('plumbline.group', $1, true),
  set_config('plumbline.lane', $2, true), set_config('plumbline.upto', $3, true)`;
const PAGES = `select set_config('plumbline.after', current_setting('plumbline.upto'), true);
  select set_config('plumbline.upto', coalesce(max(page)::text, current_setting('plumbline.upto')), true)
    from (select page from state_page
      where consumer_group = current_setting('plumbline.group')
        and lane = current_setting('plumbline.lane')::int
        and page > current_setting('plumbline.after')::bigint order by page limit 16) as next;
  copy (select page::bigint, upto_seq, bytes from state_page
    where consumer_group = current_setting('plumbline.group')
      and lane = current_setting('plumbline.lane')::int
      and page > current_setting('plumbline.after')::bigint
      and page <= current_setting('plumbline.upto')::bigint order by page)
    to stdout (format binary)`;
const DELTAS = `select set_config('plumbline.after', current_setting('plumbline.upto'), true);
  select set_config('plumbline.upto', coalesce(max(seq)::text, current_setting('plumbline.upto')), true)
    from (select seq from state_delta
      where consumer_group = current_setting('plumbline.group')
        and lane = current_setting('plumbline.lane')::int
        and seq > current_setting('plumbline.after')::bigint order by seq limit 64) as next;
  copy (select seq, seq, bytes from state_delta
    where consumer_group = current_setting('plumbline.group')
      and lane = current_setting('plumbline.lane')::int
      and seq > current_setting('plumbline.after')::bigint
      and seq <= current_setting('plumbline.upto')::bigint order by seq)
    to stdout (format binary)`;

type StoredPage = StoredParts['pages'][number];
type StoredDelta = StoredParts['deltas'][number];

/** Takes rows in order, unpacked, while the next of them are read and unpacked; `most` come in one go. */
const inTurn = async (
  next: () => Promise<readonly CopiedRow[]>,
  most: number,
  take: (number: number, uptoSeq: number, bytes: Buffer) => Promise<void>,
): Promise<void> => {
  for (let reading: Promise<readonly CopiedRow[]> | null = next(); reading !== null; ) {
    const rows: readonly CopiedRow[] = await reading;
    reading = rows.length < most ? null : next();
    const unpacked = rows.map((row) => unpackState(row[2] as Buffer));
    // Whatever goes wrong shows where it is waited for; until then somebody has to listen.
    for (const one of [reading, ...unpacked]) one?.catch(() => undefined);
    for (const [at, row] of rows.entries())
      await take(wholeIn(row, 0), wholeIn(row, 1), await (unpacked[at] as Promise<Buffer>));
  }
};

/** A bigint column that is not null. */
const wholeIn = (row: CopiedRow, column: number): number =>
  Number((row[column] as Buffer).readBigInt64BE());

/** Reads pages, then the deltas behind `afterSeq`. */
const readState = async (
  query: Query,
  copy: Copy,
  { group, lane }: LaneClaimRequest,
  afterSeq: number,
  take: Take,
): Promise<void> => {
  await query(BEGIN_COPIES, [group, `${lane}`, '-1']);
  await inTurn(
    () => copy(PAGES),
    16,
    async (page, uptoSeq, bytes) => {
      await take({ pages: [{ page, uptoSeq, bytes }], deltas: [] });
    },
  );
  await query(BEGIN_COPIES, [group, `${lane}`, `${afterSeq}`]);
  await inTurn(
    () => copy(DELTAS),
    64,
    async (seq, _, bytes) => {
      await take({ pages: [], deltas: [{ seq, bytes }] });
    },
  );
};

/** What a position is told apart by; the first log of its name says nothing of that. */
const bookmarkIn = (row: Row): Pick<LanePosition, 'bookmark' | 'incarnation'> => {
  const incarnation = numberOf(row, 'incarnation');
  const which = incarnation > 1 ? { incarnation } : {};
  const offset = numberOrNull(row, 'bookmark_offset');
  if (offset === null) return which;
  const timestampMs = numberOf(row, 'bookmark_ms');
  return { ...which, bookmark: { offset, timestampMs, sha: textOf(row, 'bookmark_sha') } };
};

const takePositions = async (
  query: Query,
  request: LaneClaimRequest,
  epoch: number,
): Promise<readonly LanePosition[]> => {
  const { group, lane, owner, topicPartitions } = request;
  const topics = topicPartitions.map((one) => one.topic);
  const partitions = topicPartitions.map((one) => one.partition);
  await query(NEW_PROGRESS, [group, lane, topics, partitions]);
  const rows = await query(LOCK_PROGRESS, [group, lane, topics, partitions]);
  await query(TAKE_PROGRESS, [group, lane, epoch, cleanKey(owner)]);
  return rows.map((row) => ({
    topic: textOf(row, 'topic'),
    partition: numberOf(row, 'partition'),
    low: numberOf(row, 'low_offset'),
    next: numberOf(row, 'next_offset'),
    ...bookmarkIn(row),
  }));
};

const checkLayout = async (
  query: Query,
  { group, lane, layout }: LaneClaimRequest,
): Promise<void> => {
  const { lanes = 1, topic = '', key = '' } = layout ?? {};
  assert(lane >= 0 && lane < lanes, `lane ${lane} of ${lanes}`);
  await query(NEW_LAYOUT, [group, lanes, topic, key]);
  const row = onlyRow(await query(LAYOUT, [group]));
  const [known, of, by] = [numberOf(row, 'lanes'), textOf(row, 'topic'), textOf(row, 'lane_key')];
  if (known === lanes && of === topic && by === key) return;
  const cut = (n: number, name: string, by: string) =>
    name === '' ? 'one lane' : `${n} lanes of ${name} by ${by}`;
  throw new OperatingError(
    'BROKER_LAYOUT',
    `group ${group} is recorded as ${cut(known, of, by)}, and configured as ${cut(lanes, topic, key)}: ` +
      'what is recorded of lanes does not fit another number or key; use another consumer group and database',
    { retryable: false },
  );
};

/**
 * Takes a lane over: from now on every commit of an earlier owner is fenced. Waits for a commit in
 * flight (at most 8 s, else a retryable error) and returns what it left. Partitions never seen start
 * at 0. Rejects with BROKER_LAYOUT where the group was cut into lanes in another way.
 */
export async function claimLane(db: Database, request: LaneClaimRequest): Promise<ClaimedLane> {
  const { group, lane } = request;
  return await db.transaction(async (query, copy) => {
    await query("set local lock_timeout = '8s'");
    // A process that is stopped while rows are sent to it would hold the lane until it goes on: nothing
    // else ends a statement that waits for its reader.
    await query("set local tcp_user_timeout = '15s'");
    await checkLayout(query, request);
    await query(NEW_LANE, [group, lane]);
    const row = onlyRow(await query(TAKE_LANE, [group, lane, cleanKey(request.owner)]));
    const epoch = numberOf(row, 'owner_epoch');
    const seq = numberOf(row, 'seq');
    const positions = await takePositions(query, request, epoch);
    const span = onlyRow(await query(PAGE_SPAN, [group, lane]));
    const complete = numberOf(span, 'pages') === request.pages;
    const pages: StoredPage[] = [];
    const deltas: StoredDelta[] = [];
    const keep: Take = async (parts) => {
      pages.push(...parts.pages);
      deltas.push(...parts.deltas);
    };
    const afterSeq = complete ? numberOf(span, 'seq') : 0;
    await readState(query, copy, request, afterSeq, request.take ?? keep);
    return {
      claim: { group, lane, epoch, pages: request.pages, seq },
      epoch,
      state: { positions, pages, deltas, seq },
      watermarkMs: numberOrNull(row, 'watermark_ms'),
      counters: jsonOf<Record<string, number>>(row, 'counters'),
    };
  });
}

// Guarded by epoch and sequence: the owner's own commit, sent again after its reply was lost,
// matches no row either, and the lane is loaded anew.
const ADVANCE = `update lane set seq = seq + 1, watermark_ms = $5, counters = $6, committed_at = now()
  where consumer_group = $1 and lane = $2 and owner_epoch = $3 and seq = $4 returning seq`;
const MOVE = `update progress p set next_offset = m.next, low_offset = m.low,
    incarnation = m.incarnation, bookmark_offset = m.mark, bookmark_ms = m.ms, bookmark_sha = m.sha
  from unnest($3::text[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[], $9::int[],
      $10::bigint[], $11::bigint[], $12::text[])
    as m (topic, partition, start, next, low, incarnation, mark, ms, sha)
  where p.consumer_group = $1 and p.lane = $8 and p.owner_epoch = $2 and p.topic = m.topic
    and p.partition = m.partition and p.next_offset = m.start
  returning p.partition`;
const NEW_DELTA = `insert into state_delta (consumer_group, lane, seq, bytes)
  values ($1, $2, $3, $4)`;
const REWRITE = `insert into state_page (consumer_group, lane, upto_seq, page, bytes)
  values ($1, $2, $3, $4, $5)
  on conflict (consumer_group, lane, page)
  do update set upto_seq = excluded.upto_seq, bytes = excluded.bytes`;
const DROP_DELTAS = `delete from state_delta where consumer_group = $1 and lane = $2
  and seq <= (select min(upto_seq) from state_page
    where consumer_group = $1 and lane = $2 having count(*) = $3)`;

/** Ends a transaction that must leave nothing; `commitLane` turns it into an answer. */
const fenced = (claim: LaneClaim): OperatingError =>
  new OperatingError('LANE_FENCED', `epoch ${claim.epoch} no longer owns lane ${claim.lane}`, {
    retryable: false,
  });

const movePositions = async (
  query: Query,
  claim: LaneClaim,
  moves: LaneCommit['moves'],
): Promise<void> => {
  if (moves.length === 0) return;
  const moved = await query(MOVE, [
    claim.group,
    claim.epoch,
    moves.map((move) => move.to.topic),
    moves.map((move) => move.to.partition),
    moves.map((move) => move.from),
    moves.map((move) => move.to.next),
    moves.map((move) => move.to.low),
    claim.lane,
    moves.map((move) => move.to.incarnation ?? 1),
    moves.map((move) => move.to.bookmark?.offset ?? null),
    moves.map((move) => wholeOrNull(move.to.bookmark?.timestampMs ?? null)),
    moves.map((move) => move.to.bookmark?.sha ?? null),
  ]);
  if (moved.length !== moves.length) throw fenced(claim);
};

const writeState = async (
  query: Query,
  claim: LaneClaim,
  seq: number,
  commit: LaneCommit,
): Promise<void> => {
  const { group, lane, pages } = claim;
  if (commit.delta !== null) await query(NEW_DELTA, [group, lane, seq, packState(commit.delta)]);
  if (commit.pages.length === 0) return;
  // One statement a page: a page is one Buffer parameter, never part of an array literal in hex.
  for (const page of commit.pages) {
    assert(page.page >= 0 && page.page < pages, `page ${page.page} of ${pages}`);
    await query(REWRITE, [group, lane, seq, page.page, packState(page.bytes)]);
  }
  await query(DROP_DELTAS, [group, lane, pages]);
};

const commitOnce = async (query: Query, claim: LaneClaim, commit: LaneCommit): Promise<void> => {
  const advanced = await query(ADVANCE, [
    claim.group,
    claim.lane,
    claim.epoch,
    claim.seq,
    wholeOrNull(commit.watermarkMs),
    storableJson(commit.counters),
  ]);
  const row = advanced[0];
  if (row === undefined) throw fenced(claim);
  await movePositions(query, claim, commit.moves);
  const entries = await writeEffects(query, claim.lane, commit.effects, commit.watermarkMs);
  await writeState(query, claim, numberOf(row, 'seq'), commit);
  // Of other lanes' chains this locks one that all of them write to: as late as may be.
  await insertWindows(query, commit.effects.windows, commit.watermarkMs);
  // Late, for its head is what the executor waits for.
  await appendJournal(query, claim.lane, entries);
  // Last, for all lanes wait for these rows: a process that folds answers each statement when it has time.
  await writeUnits(query, commit.effects.closedUnits);
};

/**
 * Writes positions, effects, journal and state of one step in one transaction, or nothing.
 * 'fenced' = somebody else owns the lane, or a position is not where the caller believes: drop the
 * lane's memory and claim again. Rejects with a retryable OperatingError when the database failed;
 * the same commit may be tried again, and is fenced if it had gone through after all.
 */
export async function commitLane(
  db: Database,
  claim: LaneClaim,
  commit: LaneCommit,
): Promise<'done' | 'fenced'> {
  try {
    await db.transaction((query) => commitOnce(query, claim, commit));
  } catch (cause) {
    if (cause instanceof OperatingError && cause.code === 'LANE_FENCED') return 'fenced';
    throw cause;
  }
  claim.seq += 1;
  return 'done';
}

const STANDS = `select 1 as stands from lane where consumer_group = $1 and lane = $2
  and owner_epoch = $3 and seq = $4`;

/** Does the record still show the claim as it stands in memory? False: load it anew. */
export async function isClaimed(db: Pick<Database, 'query'>, claim: LaneClaim): Promise<boolean> {
  const { group, lane, epoch, seq } = claim;
  return (await db.query(STANDS, [group, lane, epoch, seq])).length === 1;
}
