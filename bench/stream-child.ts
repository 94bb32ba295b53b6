/** A stream that lasts, played into the core from memory: what it costs, what lives, who would wait. */
import { constants, PerformanceObserver, performance } from 'node:perf_hooks';
import { countBuffersAsHeap, letHeapGrow } from '../src/adapters/runtime.ts';
import type { Rec } from '../src/model/ports.ts';
import { createPipeline } from '../src/pipeline.ts';
import { encodeEvent } from '../src/source/canonical.ts';
import { answer, cpuUs, input } from './child.ts';
import { benchLane, partitionLags } from './lane.ts';
import { scheduled } from './latency-traffic.ts';
import { fleetRecords, type Sent } from './workload.ts';

/** What to play. */
export interface StreamInput {
  readonly events: number;
  /** Events a second of event time, which is the clock here. */
  readonly rate: number;
}

/** Of the second half of the stream, where nothing else is said. */
export interface StreamOutcome {
  readonly events: number;
  readonly cpuUs: number;
  /** Of the main thread, which does nothing else: time in the core. */
  readonly wallUs: number;
  readonly major: number;
  /** How long after it came each commit's worth of events was done, had it come at that rate: sorted, ms. */
  readonly behindMs: readonly number[];
  /** At the end, garbage collected. */
  readonly heap: number;
  readonly external: number;
  /** Of all of it. */
  readonly counters: Readonly<Record<string, number>>;
}

/** What comes in so long is read, and committed, together. */
const WINDOW_MS = 250;
const START_MS = 1_700_000_000_000;
/** Windows that are made ahead, aside from what is measured. */
const AHEAD = 20;
const NEVER = 1e12;

const { events, rate } = input<StreamInput>();
const options = await benchLane();
// As the daemon does.
countBuffersAsHeap();
letHeapGrow();
let major = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const { detail } = entry as { readonly detail?: { readonly kind?: number } };
    if (detail?.kind !== constants.NODE_PERFORMANCE_GC_MINOR) major += 1;
  }
}).observe({ entryTypes: ['gc'] });
answer(await play());

async function play(): Promise<StreamOutcome> {
  const pipeline = createPipeline(options);
  pipeline.assign(
    partitionLags(new Map()).map((lag) => ({ ...lag, end: NEVER })),
    START_MS,
  );
  const windows = windowsOf();
  const behindMs: number[] = [];
  const cost = { events: 0, cpuUs: 0, wallUs: 0, major: 0 };
  let played = 0;
  let finishedMs = 0;
  for (let ahead = take(windows); ahead.length > 0; ahead = take(windows)) {
    const isMeasured = played >= events / 2;
    const [cpuBefore, majorBefore] = [cpuUs(), major];
    for (const { endMs, slices } of ahead) {
      const start = performance.now();
      let count = 0;
      for (const slice of slices) {
        count += slice.length;
        pipeline.slice(slice, (slice.at(-1) as Rec).offset + 1, NEVER, endMs);
      }
      pipeline.commit();
      pipeline.committed();
      const tookMs = performance.now() - start;
      const cameMs = endMs - START_MS;
      finishedMs = Math.max(finishedMs, cameMs) + tookMs;
      played += count;
      if (isMeasured) {
        behindMs.push(finishedMs - cameMs);
        cost.wallUs += 1000 * tookMs;
        cost.events += count;
      }
      // Timers and the collector's tasks have their turn, as beside a broker.
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (!isMeasured) continue;
    cost.cpuUs += cpuUs() - cpuBefore;
    cost.major += major - majorBefore;
  }
  for (let round = 0; round < 4; round += 1) globalThis.gc?.();
  const { heapUsed: heap, external } = process.memoryUsage();
  behindMs.sort((a, b) => a - b);
  return { ...cost, behindMs, heap, external, counters: pipeline.counters() };
}

interface Window {
  readonly endMs: number;
  readonly slices: readonly (readonly Rec[])[];
}

/** The stream, cut: each window holds a slice of every partition that something came to. */
function* windowsOf(): Generator<Window, void> {
  const forMs = (1000 * events) / rate;
  const traffic = { rate, every: Number.POSITIVE_INFINITY, warmMs: 0, forMs };
  const { next } = scheduled(traffic, '', START_MS);
  const read = new Map<string, number>();
  let one = next();
  for (let endMs = START_MS + WINDOW_MS; one !== null; endMs += WINDOW_MS) {
    const sent: Sent[] = [];
    for (; one !== null && one.dueMs < endMs; one = next()) {
      const { event, dueMs } = one;
      const at = { topic: event.kind, key: event.agent?.id ?? '', atMs: Math.floor(dueMs) };
      sent.push({ ...at, value: encodeEvent(event) });
    }
    const slices: Rec[][] = [];
    for (const [name, log] of fleetRecords(sent)) {
      const from = read.get(name) ?? 0;
      read.set(name, from + log.length);
      if (log.length > 0)
        slices.push(log.map((record) => ({ ...record, offset: from + record.offset })));
    }
    yield { endMs, slices };
  }
}

function take(windows: Generator<Window, void>): Window[] {
  const taken: Window[] = [];
  while (taken.length < AHEAD) {
    const { value, done } = windows.next();
    if (done === true) break;
    taken.push(value as Window);
  }
  return taken;
}
