/** Memory and stored bytes of a large fleet in one lane, measured from inside. */
import { SESSION_RECORDS } from '../src/correlate/session.ts';
import type { LaneState } from '../src/model/effects.ts';
import type { Rec } from '../src/model/ports.ts';
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
  /** Heap, and bytes of pages, of a lane that has taken all of it over and was asked for nothing. */
  readonly takenOver: { readonly heap: number; readonly external: number };
  readonly registered: number;
  readonly sessions: number;
  readonly events: number;
}

const CHUNK = 20_000;
/** Longer than a source may be idle and an act may wait for its witness. */
const QUIET_MS = 120_000;

const { agents } = input<MemoryInput>();
const options = await benchLane();
const before = resident();
let live: Pipeline | null = grow(() => undefined).pipeline;
const after = resident();
const { watermarkMs } = live;
const counted = live.counters();
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
answer({
  heap: after.heap - before.heap,
  external: after.external - before.external,
  pages: stored,
  packed,
  // The pages were there before, and are what it holds on to.
  takenOver: { heap: full.heap - empty.heap, external: stored + full.external - empty.external },
  registered,
  sessions,
  events: counted['events'] ?? 0,
} satisfies MemoryOutcome);
// It is measured while somebody holds it.
again.counters();

/** All pages as a lane that takes over writes them: without what deltas say of what is gone. */
function inPages(from: LaneState['deltas']): LaneState['pages'] {
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

function resident(): { heap: number; external: number } {
  for (let round = 0; round < 4; round += 1) globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, external };
}

/** A lane that has read the whole fleet, its buffer empty. */
function grow(keep: (delta: Buffer) => void): { pipeline: Pipeline } {
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
  pipeline.tick(
    partitionLags(read).map((lag) => ({ ...lag, next: lag.end })),
    nowMs + QUIET_MS,
  );
  const { delta } = pipeline.commit();
  pipeline.committed();
  if (delta !== null) keep(delta);
  return { pipeline };
}
