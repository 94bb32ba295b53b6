/** Watches lanes while members change: when each committed, who held it, how far it was behind. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../src/model/ports.ts';

/** A stretch of time, ms of the wall clock. */
export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What happened to lanes in a stretch. */
export interface Pauses {
  /** Longest time without a commit of each lane that was claimed in it, ms. */
  readonly moved: readonly number[];
  /** The same of those that stayed where they were. */
  readonly unmoved: readonly number[];
}

/** How far the slowest lane was behind, records. */
interface Behind {
  readonly atMs: number;
  readonly records: number;
}

interface Seen {
  /** Times at which commits that moved the lane on in the sources were made, ms. */
  readonly committedMs: number[];
  /** Times at which it was claimed, ms. */
  readonly claimedMs: number[];
  epoch: number;
  read: number;
}

/** What is watched. */
interface Watched {
  readonly db: Database;
  /** Name of the internal topic. */
  readonly internal: string;
}

const POLL_MS = 50;

// A lane is told of each source partition how far it was forwarded, whosever the records are: so all lanes
// come to the same sum, and each is behind by what it lacks of it.
const LANES = `select l.lane, l.owner_epoch, extract(epoch from l.committed_at) * 1000 as committed,
    extract(epoch from l.claimed_at) * 1000 as claimed,
    (select coalesce(sum(p.next_offset), 0) from progress p where p.consumer_group = l.consumer_group
      and p.lane = l.lane and p.topic <> $1) as read
  from lane l`;

/** Polls lanes until it is told to stop. */
export class LaneWatch {
  readonly #lanes = new Map<number, Seen>();
  readonly #behind: Behind[] = [];
  readonly #over = new AbortController();
  readonly #running: Promise<void>;

  /** Of lanes only those that are `busy`. `due`: records that were to be sent by now, from the first on. */
  constructor(run: Watched, busy: ReadonlySet<number>, due: () => number) {
    this.#running = this.#run(run, busy, due);
    this.#running.catch(() => undefined);
  }

  /** Ends it. Rejects where watching failed. */
  async stop(): Promise<void> {
    this.#over.abort();
    await this.#running;
  }

  /** Longest times without a commit that reach into the stretch: those that begin before it in full, the rest to its end. */
  pauses({ fromMs, toMs }: Stretch): Pauses {
    const moved: number[] = [];
    const unmoved: number[] = [];
    for (const { committedMs, claimedMs } of this.#lanes.values()) {
      let longest = 0;
      for (const [at, ms] of committedMs.entries()) {
        // What the next change does is not this one's.
        const next = Math.min(committedMs[at + 1] ?? Number.POSITIVE_INFINITY, toMs);
        if (next > fromMs) longest = Math.max(longest, next - ms);
      }
      const isMoved = claimedMs.some((ms) => ms > fromMs && ms <= toMs);
      (isMoved ? moved : unmoved).push(longest);
    }
    return { moved, unmoved };
  }

  /** The most the slowest lane was behind in a stretch, records. */
  most({ fromMs, toMs }: Stretch): number {
    return this.#behind
      .filter(({ atMs }) => atMs > fromMs && atMs <= toMs)
      .reduce((most, { records }) => Math.max(most, records), 0);
  }

  /** How long after its beginning the slowest lane was last further behind than this, ms; null: at its end, too. */
  settled({ fromMs, toMs }: Stretch, records: number): number | null {
    const within = this.#behind.filter(({ atMs }) => atMs > fromMs && atMs <= toMs);
    const last = within.findLastIndex((one) => one.records > records);
    if (last === within.length - 1) return last < 0 ? 0 : null;
    return last < 0 ? 0 : (within[last]?.atMs ?? fromMs) - fromMs;
  }

  async #run(
    { db, internal }: Watched,
    busy: ReadonlySet<number>,
    due: () => number,
  ): Promise<void> {
    while (!this.#over.signal.aborted) {
      const wanted = due();
      const rows = await db.query(LANES, [internal]);
      let least = Number.POSITIVE_INFINITY;
      for (const row of rows) {
        const [lane, epoch, read] = [row['lane'], row['owner_epoch'], row['read']].map(Number);
        if (lane === undefined || epoch === undefined || read === undefined) continue;
        if (!busy.has(lane)) continue;
        least = Math.min(least, read);
        this.#saw(lane, epoch, read, Number(row['committed']), Number(row['claimed']));
      }
      if (rows.length > 0) this.#behind.push({ atMs: Date.now(), records: wanted - least });
      await sleep(POLL_MS);
    }
  }

  #saw(lane: number, epoch: number, read: number, committedMs: number, claimedMs: number): void {
    const seen = this.#lanes.get(lane);
    if (seen === undefined) {
      this.#lanes.set(lane, { committedMs: [committedMs], claimedMs: [], epoch, read });
      return;
    }
    if (epoch > seen.epoch) seen.claimedMs.push(claimedMs);
    if (read > seen.read) seen.committedMs.push(committedMs);
    seen.epoch = epoch;
    seen.read = read;
  }
}
