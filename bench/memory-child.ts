/** Memory and stored bytes of a large fleet in one lane, measured from inside. */
import { SESSION_RECORDS } from '../src/correlate/session.ts';
import type { LaneState } from '../src/model/effects.ts';
import type { PartitionLag, Rec } from '../src/model/ports.ts';
import { createPipeline, type Pipeline } from '../src/pipeline.ts';
import { packState } from '../src/record/state-bytes.ts';
import { Slots } from '../src/state/slots.ts';
import { answer, input } from './child.ts';
import { benchLane, partitionLags } from './lane.ts';
import { population, populationStartMs } from './population.ts';
import { fleetRecords, type Sent, slicesOf } from './workload.ts';

/** What to build. */
export interface MemoryInput {
  readonly agents: number;
}

/** Bytes for all agents together. */
export interface MemoryOutcome {
  readonly heap: number;
  readonly external: number;
  readonly pages: number;
  /** The same as it is stored. */
  readonly packed: number;
  /** The same lane when nobody was heard of for three quarters of an hour. */
  readonly quiet: Held;
  /** Heap, and bytes of pages, of a lane that has taken all of it over and was asked for nothing. */
  readonly takenOver: Held;
  /** The same lane three quarters of an hour later. */
  readonly takenOverQuiet: Held;
  readonly registered: number;
  readonly sessions: number;
  readonly events: number;
}

/** Bytes on the heap, and outside it. */
interface Held {
  readonly heap: number;
  readonly external: number;
}

const CHUNK = 20_000;
/** Twice as long as what nobody asks for takes to be packed at most. */
const IDLE_MS = 45 * 60_000;
const IDLE_STEP_MS = 1000;
/** Longer than a source may be idle and an act may wait for its witness. */
const QUIET_MS = 120_000;

const { agents } = input<MemoryInput>();
const options = await benchLane();
const before = resident();
let live: Grown | null = grow(() => undefined);
const after = resident();
const { watermarkMs } = live.pipeline;
const counted = live.pipeline.counters();
idle(live);
const quiet = resident();
live = null;
const deltas: { seq: number; bytes: Buffer }[] = [];
grow((bytes) => deltas.push({ seq: deltas.length + 1, bytes }));
const slots = new Slots();
slots.split('S', SESSION_RECORDS);
slots.restore([], deltas);
const registered = slots.count('A');
const sessions = slots.count('S');
slots.restore([], []);
const pages = inPages(deltas.splice(0));
const sum = (lengths: readonly number[]) => lengths.reduce((all, length) => all + length, 0);
const stored = sum(pages.map(({ bytes }) => bytes.length));
const packed = sum(pages.map(({ bytes }) => packState(bytes).length));
const empty = resident();
const again = takenOver(pages, []);
const full = resident();
pages.length = 0;
const lags = partitionLags(new Map());
again.assign(lags, watermarkMs);
idle({ pipeline: again, lags, nowMs: watermarkMs });
const fullQuiet = resident();
// The pages were there before, and are what it holds on to, and then no more.
const without = { heap: empty.heap, external: empty.external - stored };
answer({
  ...less(after, before),
  quiet: less(quiet, before),
  pages: stored,
  packed,
  takenOver: less(full, without),
  takenOverQuiet: less(fullQuiet, without),
  registered,
  sessions,
  events: counted['events'] ?? 0,
} satisfies MemoryOutcome);
// It is measured while somebody holds it.
again.counters();

function less(a: Held, b: Held): Held {
  return { heap: a.heap - b.heap, external: a.external - b.external };
}

/** Time passes, and nothing comes. */
function idle({ pipeline, lags, nowMs }: Grown): void {
  for (let at = nowMs; at < nowMs + IDLE_MS; at += IDLE_STEP_MS) {
    pipeline.tick(lags, at);
    pipeline.commit();
    pipeline.committed();
  }
}

/** All pages as a lane that takes over writes them: without what deltas say of what is gone. */
function inPages(from: LaneState['deltas']): LaneState['pages'][number][] {
  const pipeline = takenOver([], from);
  pipeline.assign(partitionLags(new Map()), populationStartMs);
  // A copy: what rests is otherwise the pages themselves.
  return pipeline.commit().pages.map(({ page, bytes }) => {
    return { page, uptoSeq: from.length, bytes: Buffer.from(bytes) };
  });
}

/** A lane that has taken over what is stored. */
function takenOver(from: LaneState['pages'], later: LaneState['deltas']): Pipeline {
  const pipeline = createPipeline({ ...options, pageEveryBytes: 1 });
  const state = { positions: [], pages: from, deltas: later, seq: later.length };
  for (const _ of pipeline.restoring(state, watermarkMs, {}));
  return pipeline;
}

function resident(): Held {
  for (let round = 0; round < 4; round += 1) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, external };
}

/** A lane, and when it is in event time. */
interface Grown {
  readonly pipeline: Pipeline;
  readonly lags: readonly PartitionLag[];
  readonly nowMs: number;
}

/** A lane that has read the whole fleet, its buffer empty. */
function grow(keep: (delta: Buffer) => void): Grown {
  const pipeline = createPipeline(options);
  let nowMs = populationStartMs;
  pipeline.assign(partitionLags(new Map()), nowMs);
  const read = new Map<string, number>();
  let chunk: Sent[] = [];
  const feed = (slice: readonly Rec[]) => {
    const first = slice[0];
    if (first === undefined) return;
    const name = `${first.topic}/${first.partition}`;
    const from = read.get(name) ?? 0;
    const records = slice.map((record, at) => ({ ...record, offset: from + at }));
    read.set(name, from + slice.length);
    // The clock goes with the events: a source without records falls idle and holds nobody up.
    nowMs = Math.max(nowMs, first.timestampMs);
    pipeline.slice(records, from + slice.length, from + slice.length, nowMs);
    const { delta } = pipeline.commit();
    pipeline.committed();
    if (delta !== null) keep(delta);
  };
  const flush = () => {
    for (const slice of slicesOf(fleetRecords(chunk), 500)) feed(slice);
    chunk = [];
  };
  for (const one of population(agents)) {
    chunk.push(one);
    if (chunk.length >= CHUNK) flush();
  }
  flush();
  // Partitions that fall quiet stop counting; time then passes at the pace of the clock.
  const lags = partitionLags(read).map((lag) => ({ ...lag, next: lag.end }));
  pipeline.tick(lags, nowMs + QUIET_MS);
  const { delta } = pipeline.commit();
  pipeline.committed();
  if (delta !== null) keep(delta);
  return { pipeline, lags, nowMs: nowMs + QUIET_MS };
}
